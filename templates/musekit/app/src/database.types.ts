// `muse types` writes this file: the types of the database as it is.
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = { public: { Tables: {}; Views: {}; Functions: {}; Enums: {}; CompositeTypes: {} } };
