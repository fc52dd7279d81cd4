// An OpenID Connect issuer on a free port of loopback: npm's oidc-provider, told what to do by lines of JSON on stdin and answering by lines.
// It ends when stdin does.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// The packages are in the folder that the first argument names.
const modules = createRequire(`${process.argv[2]}/`);
const { default: Provider } = await import(pathToFileURL(modules.resolve('oidc-provider')));
console.warn = console.info = () => {};

const CLIENT = { client_id: 'app', client_secret: 'a secret that only this test knows' };
const GRANT = 'urn:example:signed-in';
const PARAMETERS = ['scope', 'username', 'resource', 'claims_here', 'alg'];

let current;
const server = createServer((request, response) => current(request, response));
const listen = (port) => new Promise((done) => server.listen(port, '127.0.0.1', done));
await listen(0);
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

function key(type, options, alg) {
  const jwk = generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' });
  return { ...jwk, alg, use: 'sig', kid: randomUUID() };
}

let keys;
function newKeys() {
  keys = [
    key('rsa', { modulusLength: 2048 }, 'RS256'),
    key('rsa', { modulusLength: 2048 }, 'PS256'),
    key('ec', { namedCurve: 'P-256' }, 'ES256'),
    key('ed25519', {}, 'EdDSA'),
  ];
  return keys;
}

function provider() {
  const made = new Provider(issuer, {
    jwks: { keys: newKeys() },
    clients: [{ ...CLIENT, grant_types: [GRANT], redirect_uris: [], response_types: [] }],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // Claims as the command says; those that it says are null are left out.
    formats: { customizers: { jwt: (ctx, _, jwt) => {
      const all = { ...jwt.payload, ...JSON.parse(ctx.oidc.params.claims_here) };
      jwt.payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    } } },
    features: { devInteractions: { enabled: false }, resourceIndicators: { enabled: true } },
  });
  made.on('server_error', (_, error) => console.error(error));
  made.registerGrantType(GRANT, grant, PARAMETERS);
  return made;
}

// What the login page of a real deployment ends in: the provider's own tokens for a user who has signed in.
async function grant(ctx) {
  const { username, resource, alg } = ctx.oidc.params;
  const { AccessToken, IdToken } = ctx.oidc.provider;
  const granted = { accountId: username, client: ctx.oidc.client, scope: ctx.oidc.params.scope };
  const token = new AccessToken({ ...granted, gty: 'signed-in', expiresWithSession: false });
  const { ResourceServer } = ctx.oidc.provider;
  token.resourceServer = new ResourceServer(resource, {
    scope: granted.scope, audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg } },
  });
  token.scope = granted.scope;
  const id = new IdToken({ sub: username }, { ctx });
  id.scope = 'openid';
  ctx.body = { access_token: await token.save(), id_token: await id.issue({ use: 'idtoken' }) };
}

async function token({ sub, scope, aud, claims, alg }) {
  const body = new URLSearchParams({
    ...CLIENT, grant_type: GRANT, username: sub, scope, resource: aud, claims_here: JSON.stringify(claims ?? {}), alg,
  });
  const answer = await fetch(`${issuer}/token`, { method: 'POST', body, headers: { connection: 'close' } });
  return answer.json();
}

const encode = (part) => Buffer.from(part).toString('base64url');

// What the issuer would never sign itself: any header and payload, with its RS256 key, or with an HMAC over that key's public half.
function forge({ header, payload, hmac }) {
  const jwk = keys[0];
  const signed = `${encode(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: jwk.kid, ...header }))}.${encode(JSON.stringify(payload))}`;
  const secret = createPublicKey({ key: jwk, format: 'jwk' });
  const signature = hmac
    ? createHmac('sha256', secret.export({ type: 'spki', format: 'pem' })).update(signed).digest()
    : sign('sha256', signed, createPrivateKey({ key: jwk, format: 'jwk' }));
  return { access_token: `${signed}.${encode(signature)}` };
}

const commands = {
  token,
  forge,
  rotate: () => { current = provider().callback(); return { kids: keys.map(({ kid }) => kid) }; },
  down: () => new Promise((done) => { server.close(() => done({})); server.closeAllConnections(); }),
  up: () => listen(port).then(() => ({})),
};

commands.rotate();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({ issuer });
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  try {
    say(await commands[command](rest));
  } catch (error) {
    say({ error: String(error) });
  }
}
process.exit(0);
