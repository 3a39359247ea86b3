import { project } from '../../../config/muse.config.json';

/** The product's name for people. */
export const productName = project.name;
