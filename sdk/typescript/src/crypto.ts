/** Web Crypto; Node 18 does not have it as a global. */
export async function webCrypto(): Promise<Crypto> {
  if (globalThis.crypto) return globalThis.crypto;
  // A name in a variable: no bundler for the edge looks for it.
  const name = "node:crypto";
  const module = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as { webcrypto: Crypto };
  return module.webcrypto;
}
