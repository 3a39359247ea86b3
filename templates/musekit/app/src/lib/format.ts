const time = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short' });
const date = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 });

export const formatTime = (value: string | number | Date): string => time.format(new Date(value));
export const formatDate = (value: string): string => date.format(new Date(value));
export const formatNumber = (value: number): string => number.format(value);

/** An amount in the smallest unit of its currency, e.g. cents. */
export const formatMoney = (cents: number, currency: string): string =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(cents / 100);

/** A name from the database as people write it: `no_show` as `No show`. */
export function words(name: string): string {
  const text = name.replaceAll('_', ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
