import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import config from '../config/muse.config.json' with { type: 'json' };

export default defineConfig({
  plugins: [
    react(),
    tailwindcss(),
    { name: 'product', transformIndexHtml: (html) => html.replace('%PRODUCT%', config.project.name) },
  ],
  // .env.local of the product: `muse dev` and `muse provision` write the URL and the key of the database there.
  envDir: '..',
  // The address that links in emails lead to: NEXT_PUBLIC_APP_URL.
  server: { port: 3000 },
  preview: { port: 3000 },
  // Everything together is below 200 kB where it is compressed, as servers send it.
  build: { chunkSizeWarningLimit: 800 },
});
