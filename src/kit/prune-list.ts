/** What kits carry along that is of no use to a product made from them. Data only. */

/**
 * A pattern without `/` fits a file or folder of that name anywhere; one with `/` fits that path from the top (`/logs`
 * for the top alone). `*` stands for any characters but `/`.
 */
export const pruneList: readonly string[] = [
  // Replit's uploads, agents and settings
  '/attached_assets',
  '/.agents',
  '/.local/state',
  '/.upm',
  '/.replit',
  '/replit.nix',
  '/replit.md',
  '/skills-lock.json',
  // Reports and results of test runs
  'test-results',
  'playwright-report',
  'blob-report',
  '.nyc_output',
  '/coverage',
  '/packages/*/coverage',
  '/apps/*/coverage',
  'junit.xml',
  // What tools build again
  'node_modules',
  '.next',
  '.turbo',
  '.vercel',
  '.eslintcache',
  '*.tsbuildinfo',
  '/supabase/.temp',
  '/supabase/.branches',
  '/apps/*/supabase/.temp',
  '/apps/*/supabase/.branches',
  // What systems and tools drop
  '.DS_Store',
  '._*',
  'Thumbs.db',
  'desktop.ini',
  'npm-debug.log*',
  'yarn-error.log*',
  'pnpm-debug.log*',
  '*.swp',
];
