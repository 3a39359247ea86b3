/** Functions and triggers that send messages by Realtime, which all who are let into their topic hear: that is not tried. */
import { fieldsOf, walk, stringsOf } from '../../sql/nodes.ts';
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { asksCaller } from '../catalog/asks-caller.ts';
import type { Model } from '../catalog/model.ts';
import { referencesIn } from '../catalog/compared-columns.ts';
import { isProbed, type Proof } from '../probes/prove.ts';
import type { Gap } from './report.ts';

/** Realtime's functions that send, each with the place and the name of the topic among their arguments. */
const sending = new Map([
  ['send', { place: 2, name: 'topic' }],
  ['broadcast_changes', { place: 0, name: 'topic_name' }],
]);

/** What sends messages with its owner's rights, in topics that the policies do not keep it out of. */
export function messageGaps({ callables, model, subjects }: Proof): Gap[] {
  const functions = callables
    .filter(({ runsAsOwner, skipped }) => runsAsOwner && skipped === undefined)
    .flatMap(({ name, routine }): Gap[] => {
      const topics = topicsOf(routine, model);
      if (topics.length === 0) return [];
      const isChosen = !asksCaller(routine, model) && choosesTopic(routine, topics, model);
      return [
        {
          object: name,
          reason: isChosen
            ? "it sends messages with its owner's rights into a topic that its caller names, and never asks who calls"
            : "it sends messages with its owner's rights, and into whose topics was not tried",
          suggestion: isChosen
            ? `Let ${qualifiedName(routine)} ask whether its caller may send there; or make the topic of auth.uid().`
            : 'Check by hand that it asks whether its caller may send there.',
          isDefiner: isChosen,
        },
      ];
    });
  const tables = [...new Set(subjects.map(({ table }) => table))].filter(isProbed).flatMap((table): Gap[] => {
    const trigger = table.triggers.find(({ enabled, function: oid }) => {
      const routine = enabled ? model.sources.byOid(oid) : undefined;
      return routine !== undefined && topicsOf(routine, model).length > 0;
    });
    if (trigger === undefined) return [];
    return [
      {
        object: qualifiedName(table),
        reason: `its trigger ${trigger.name} sends its rows as messages, and who hears those was not tried`,
        suggestion:
          'Check by hand that the topic is of those who may read the row, and that the policies of realtime.messages keep others out.',
      },
    ];
  });
  return [...functions, ...tables];
}

/** The topics of what a function, or what it calls, sends, as expressions. */
function topicsOf(routine: FunctionRow, { sources }: Model): unknown[] {
  return sources.reached(routine).flatMap((one) => {
    const found: unknown[] = [];
    walk(sources.body(one).trees, (type, fields) => {
      if (type !== 'FuncCall') return;
      const [schema, name = ''] = stringsOf(fields.funcname);
      const topic = schema === 'realtime' ? sending.get(name) : undefined;
      if (topic === undefined) return;
      const named = (fields.args ?? []).flatMap((arg) => fieldsOf(arg, 'NamedArgExpr') ?? []);
      found.push(named.find((arg) => arg.name === topic.name)?.arg ?? fields.args?.[topic.place]);
    });
    return found;
  });
}

/** A topic has an argument in it, or a variable that was made of one. */
function choosesTopic(routine: FunctionRow, topics: readonly unknown[], { sources }: Model): boolean {
  const given = new Set(routine.inputs.flatMap((_, index) => [routine.argumentNames[index] || '', `$${index + 1}`]));
  given.delete('');
  const isGiven = (expression: unknown): boolean => {
    const parts = new Set<string>();
    for (const { name } of referencesIn(expression)) parts.add(name);
    return [...parts].some((name) => given.has(name));
  };
  for (const { variables, value } of sources.body(routine).assigned)
    if (isGiven(value)) for (const name of variables) given.add(name);
  return topics.some(isGiven);
}
