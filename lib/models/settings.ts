import { TightrecError } from '../errors.ts';

export { checkNames } from '../errors.ts';

/** A rule returns what it expects, or null when the value is fine. */
export type Rule = (value: unknown) => string | null;

export const wholeNumber = (least: number, most: number = Infinity): Rule => (value) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most ? null : `a whole number from ${least} ${most === Infinity ? 'up' : `to ${most}`}`;
export const positive: Rule = (value) => typeof value === 'number' && value > 0 && value < Infinity ? null : 'a positive number';
export const notNegative: Rule = (value) => typeof value === 'number' && value >= 0 && value < Infinity ? null : 'a number from 0 up';
export const fraction: Rule = (value) => typeof value === 'number' && value >= 0 && value < 1 ? null : 'a number from 0 up and below 1';
export const number: Rule = (value) => typeof value === 'number' && Number.isFinite(value) ? null : 'a finite number';
export const flag: Rule = (value) => typeof value === 'boolean' ? null : 'true or false';
export const orNull = (rule: Rule): Rule => (value) => value === null ? null : mention(rule(value));
export const listOf = (rule: Rule): Rule => (value) => {
  const wrong = Array.isArray(value) ? value.map(rule).find((expected) => expected !== null) ?? null : rule(undefined);
  return wrong === null ? null : `a list, each ${wrong}`;
};
export const oneOf = (...names: string[]): Rule => (value) => names.includes(value as string) ? null : names.map((name) => `'${name}'`).join(' or ');

const mention = (expected: string | null): string | null => expected && `${expected}, or null`;

/**
 * checkSettings: every setting against its rule, and no setting without one. `fit` calls it: a constructor only keeps what it is given.
 * Errors: 'bad-setting', naming the model, the setting, what was expected and what came.
 */
export function checkSettings<S extends object>(model: string, settings: S, rules: Record<keyof S & string, Rule>): void {
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(rules, name)) throw new TightrecError('bad-setting', `${model}: there is no setting '${name}'; ${Object.keys(rules).length > 0 ? `the settings are ${Object.keys(rules).join(', ')}` : 'it has none'}`);
    const expected = rules[name as keyof S & string](value);
    if (expected !== null) throw new TightrecError('bad-setting', `${model}: ${name} must be ${expected}, got ${show(value)}`);
  }
}

/** withDefaults: the defaults, overlaid by what was given; an explicit undefined counts as not given. */
export function withDefaults<S extends object>(defaults: S, given: Partial<S>): S {
  if (typeof given !== 'object' || given === null) throw new TightrecError('bad-setting', `settings must be an object such as { seed: 1 }, got ${show(given)}`);
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** show: a setting as an error shows it. Not String(value) of an object: one from a model file may have a toString of its own. */
export const show = (value: unknown): string => typeof value === 'string' ? `'${value}'` : Array.isArray(value) ? 'a list' : typeof value === 'object' && value !== null ? 'an object' : String(value);
