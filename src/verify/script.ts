import { quoteLiteral } from '../database/quote.ts';

/** One statement that puts a row in, with what to try where it does not. */
export interface FillStep {
  /** Settings while it runs: the claims of the person whose row it is, since triggers ask who acts. */
  settings: Record<string, string>;
  /** Tried in turn until one changes or finds a row. */
  sql: string[];
  /** Tried last, with the table's own triggers off. */
  force?: { table: string; sql: string };
}

/** Someone to act as. */
export interface ScriptActor {
  role: string;
  settings: Record<string, string>;
  /** What `@user@` and `@org@` in a probe's SQL stand for. */
  user: string;
  organization: string;
}

export interface Probe {
  sql: string;
  /** `write`: count what it changed, and look at `state` afterwards; `read`: take its one value; `marks`: look for marks in that value. */
  mode: 'write' | 'read' | 'marks';
  /** Which of the states to look at, as the one who asked for the proof; empty for none. */
  state: string;
  /** Run first, as the one who asked for the proof; taken back with the probe. */
  prepare?: string;
  /** Numbers of the actors that do it. */
  actors: number[];
}

/** Everything that one script does. */
export interface Plan {
  /** Sequences to set apart, so that none of them moves: quoted names. */
  sequences: string[];
  /** Triggers to turn off first. */
  quiet: string[];
  fill: FillStep[];
  /** By name: a query of one text, from which a change of rows can be told. */
  states: Record<string, string>;
  /** Texts that only rows of certain tables hold. */
  marks: string[];
  actors: ScriptActor[];
  probes: Probe[];
}

/** The SQLSTATE that carries the answer out, and takes everything back with it. */
const answerState = 'MU200';

/** Where the answer begins and ends in the message, whatever a transport writes around it. */
export const answerFrame = ['<<muse ', ' muse>>'] as const;

/**
 * The script: one DO block, so that it is one statement on any kind of connection. It always ends in an error of our own, so
 * nothing that it did can stay: rows, settings and locks go with the transaction. A sequence does not go back by itself:
 * each is given new storage first (ALTER SEQUENCE … RESTART), and that is taken back like any table.
 */
export function scriptOf(plan: Plan): string {
  return `do $muse_body$ ${body.replace('@plan@', () => quoteLiteral(JSON.stringify(plan)))} $muse_body$`;
}

const body = `
declare
  plan constant jsonb := @plan@;
  me constant text := current_user;
  step jsonb; actor jsonb; probe jsonb; item text; setting record;
  number int := -1; actor_number int := -1; touched bigint; answer text; code text; message text; detail text;
  failed text := ''; states text := ''; cells text := '';
begin
  perform set_config('lock_timeout', '5s', true);
  for item in select jsonb_array_elements_text(plan -> 'sequences') loop
    begin
      execute 'select last_value + 1 from ' || item into touched;
      execute 'alter sequence ' || item || ' restart with ' || touched;
    exception when insufficient_privilege or undefined_table or invalid_parameter_value then null;
    end;
  end loop;
  for item in select jsonb_array_elements_text(plan -> 'quiet') loop
    execute item;
  end loop;

  for step in select * from jsonb_array_elements(plan -> 'fill') loop
    number := number + 1; touched := 0; code := ''; message := ''; detail := '';
    for setting in select key, value from jsonb_each_text(step -> 'settings') loop
      perform set_config(setting.key, setting.value, true);
    end loop;
    for item in select jsonb_array_elements_text(step -> 'sql') loop
      begin
        execute item;
        get diagnostics touched = row_count;
        exit when touched > 0;
      exception when others then
        if code = '' then
          code := sqlstate; get stacked diagnostics message = message_text, detail = constraint_name;
        end if;
      end;
    end loop;
    if touched = 0 and step ? 'force' then
      begin
        execute 'alter table ' || (step -> 'force' ->> 'table') || ' disable trigger user';
        execute step -> 'force' ->> 'sql';
        get diagnostics touched = row_count;
        execute 'alter table ' || (step -> 'force' ->> 'table') || ' enable trigger user';
      exception when others then
        touched := 0;
        if code = '' then
          code := sqlstate; get stacked diagnostics message = message_text, detail = constraint_name;
        end if;
      end;
    end if;
    if touched = 0 then
      failed := failed || case when failed = '' then '' else ',' end || json_build_array(number, code, left(message, 300), detail)::text;
    end if;
  end loop;

  for setting in select key, value from jsonb_each_text(plan -> 'states') loop
    begin
      execute setting.value into answer;
      states := states || case when states = '' then '' else ',' end || to_json(setting.key)::text || ':' || to_json(coalesce(answer, ''))::text;
    end;
  end loop;

  for actor in select * from jsonb_array_elements(plan -> 'actors') loop
    actor_number := actor_number + 1; number := -1;
    for setting in select key, value from jsonb_each_text(actor -> 'settings') loop
      perform set_config(setting.key, setting.value, true);
    end loop;
    execute format('set local role %I', actor ->> 'role');
    for probe in select * from jsonb_array_elements(plan -> 'probes') loop
      number := number + 1;
      continue when not (probe -> 'actors') @> to_jsonb(actor_number);
      touched := 0; answer := null; item := '';
      begin
        if probe ? 'prepare' then
          execute format('set local role %I', me);
          execute probe ->> 'prepare';
          execute format('set local role %I', actor ->> 'role');
        end if;
        if probe ->> 'mode' = 'write' then
          execute replace(replace(probe ->> 'sql', '@user@', actor ->> 'user'), '@org@', actor ->> 'organization');
          get diagnostics touched = row_count;
        else
          execute replace(replace(probe ->> 'sql', '@user@', actor ->> 'user'), '@org@', actor ->> 'organization') into answer;
          if probe ->> 'mode' = 'marks' then
            select string_agg((mark.position - 1)::text, ' ') into answer
            from jsonb_array_elements_text(plan -> 'marks') with ordinality as mark(words, position)
            where strpos(answer, mark.words) > 0;
          end if;
        end if;
        if probe ->> 'state' <> '' and (touched > 0 or probe ->> 'mode' <> 'write') then
          execute format('set local role %I', me);
          execute plan -> 'states' ->> (probe ->> 'state') into item;
        end if;
        raise exception using errcode = 'MU100';
      exception
        when sqlstate 'MU100' then
          cells := cells || case when cells = '' then '' else ',' end
            || json_build_array(actor_number, number, touched, coalesce(answer, ''), coalesce(item, ''))::text;
        when others then
          get stacked diagnostics message = message_text, detail = pg_exception_detail;
          cells := cells || case when cells = '' then '' else ',' end || json_build_array(
            actor_number, number, sqlstate, left(message, 200) || case when sqlstate like '23%' then ': ' || left(detail, 300) else '' end)::text;
      end;
    end loop;
    execute format('set local role %I', me);
  end loop;
  raise exception using errcode = '${answerState}',
    message = '${answerFrame[0]}{"failed":[' || failed || '],"states":{' || states || '},"cells":[' || cells || ']}${answerFrame[1]}';
end`;
