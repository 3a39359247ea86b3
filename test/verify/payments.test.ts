/** Functions that pay from one account to another: who pays loses what the other gets. */
import { callable } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const purses = (columns = 'points int not null default 100 check (points >= 0)'): string => `
  create table public.purses (owner uuid primary key references auth.users (id) on delete cascade, ${columns});
  alter table public.purses enable row level security; grant select on public.purses to authenticated;
  create policy own on public.purses for select to authenticated using (owner = (select auth.uid()));`;
const send = (before: string, after = ''): string =>
  purses() +
  callable(
    'public.send(p_to uuid, p_points int)',
    'void',
    `begin ${before} update public.purses set points = points - p_points where owner = auth.uid(); ${after}
       update public.purses set points = points + p_points where owner = p_to; end`,
    'plpgsql',
  );
const between = (checks: string): string =>
  purses() +
  callable(
    'public.pay(p_from uuid, p_to uuid, p_amount numeric)',
    'void',
    `begin if p_from is distinct from auth.uid() then raise exception 'not yours'; end if; ${checks}
       update public.purses set points = points - p_amount where owner = p_from;
       update public.purses set points = points + p_amount where owner = p_to; end`,
    'plpgsql',
  );
const charged = (mine: string, others: string): string =>
  purses() +
  callable(
    'public.charge(p_who uuid, p_amount int)',
    'void',
    `begin if p_amount < 1 then raise exception 'too little'; end if;
       update public.purses set points = points ${mine} p_amount where owner = auth.uid(); if not found then raise exception 'no purse'; end if;
       update public.purses set points = points ${others} p_amount where owner = p_who; end`,
    'plpgsql',
  );
const inSql = (where: string): string =>
  purses('cash numeric(12, 2) not null default 500') +
  callable(
    'public.tip(uuid, numeric)',
    'void',
    `with paid as (update public.purses set cash = cash - $2 where owner = auth.uid() ${where} returning owner)
       update public.purses set cash = cash + $2 from paid where purses.owner = $1 and purses.owner <> paid.owner`,
  );

const noLess = "if p_points <= 0 then raise exception 'positive'; end if;";
const paid = "if not found then raise exception 'no purse'; end if;";

const gift = (check: string): string =>
  purses('coins bigint not null default 500') +
  callable(
    'public.gift(p_friend uuid, p_coins bigint)',
    'bigint',
    `declare v bigint := p_coins; rest bigint; begin ${check}
       update public.purses set coins = coins - v where owner = auth.uid() and coins >= v returning coins into rest;
       if not found then raise exception 'too few'; end if; update public.purses set coins = coins + v where owner = p_friend; return rest; end`,
    'plpgsql',
  );

const pairs: Pair[] = [
  [
    'by way of a variable',
    gift("if v <= 0 then raise exception 'positive'; end if;"),
    gift(''),
    'isolation-write public.gift(uuid, bigint)',
  ],
  [
    'less than nothing from one’s own purse',
    send(noLess, paid),
    send('', paid),
    'isolation-write public.send(uuid, integer)',
  ],
  [
    'less than nothing between two that are named',
    between("if p_amount is null or p_amount < 0 then raise exception 'no'; end if;"),
    between(''),
    'isolation-write public.pay(uuid, uuid, numeric)',
  ],
  [
    'from the purse of another to one’s own',
    charged('-', '+'),
    charged('+', '-'),
    'isolation-write public.charge(uuid, integer)',
  ],
  [
    'in one statement, with arguments by number',
    inSql('and $2 > 0'),
    inSql(''),
    'isolation-write public.tip(uuid, numeric)',
  ],
];

testPairs(pairs);
