import type { ComponentType } from 'react';
import type { Table } from '../lib/table';

/** A table with its pages. */
export interface TablePages {
  table: Table;
  List: ComponentType;
  Form: ComponentType;
}

/** The tables of the product, in the order of the menu. Each has its own folder here. */
export const tables: readonly TablePages[] = [];
