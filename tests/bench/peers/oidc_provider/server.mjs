// node-oidc-provider in one process, everything in memory: userinfo with a bearer and with a DPoP-bound token, and
// client_credentials with private_key_jwt and DPoP. Its keys come from the benchmark (BENCH_JWK, BENCH_JKT, PORT).
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const port = Number(process.env.PORT);
const issuer = `http://localhost:${port}`;
const kept = new Map();

// The shipped adapter forgets after a thousand entries; each used proof is one.
class Memory {
  constructor(name) {
    this.name = name;
  }
  key(id) {
    return `${this.name}:${id}`;
  }
  async upsert(id, payload) {
    kept.set(this.key(id), payload);
  }
  async find(id) {
    return kept.get(this.key(id));
  }
  async findByUid() {}
  async findByUserCode() {}
  async destroy(id) {
    kept.delete(this.key(id));
  }
  async consume() {}
  async revokeByGrantId() {}
}

const own = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const provider = new Provider(issuer, {
  adapter: Memory,
  jwks: { keys: [{ ...own, use: "sig", alg: "ES256" }] },
  clients: [
    {
      client_id: "bench",
      grant_types: ["authorization_code", "client_credentials"],
      redirect_uris: [`${issuer}/cb`],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      id_token_signed_response_alg: "ES256",
      jwks: { keys: [JSON.parse(process.env.BENCH_JWK)] },
    },
  ],
  clientAuthMethods: ["private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: ["ES256"], dPoPSigningAlgValues: ["ES256"] },
  features: {
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    devInteractions: { enabled: false },
    userinfo: { enabled: true },
  },
  scopes: ["openid", "read"],
  findAccount: async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
});

async function token(jkt) {
  const client = await provider.Client.find("bench");
  const grant = new provider.Grant({ accountId: "somebody", clientId: "bench" });
  grant.addOIDCScope("openid");
  const grantId = await grant.save();
  const made = new provider.AccessToken({
    accountId: "somebody",
    client,
    grantId,
    gty: "authorization_code",
    scope: "openid",
    claims: {},
  });
  if (jkt) made.setThumbprint("jkt", jkt);
  return made.save();
}

const bearer = await token();
const bound = await token(process.env.BENCH_JKT);
provider.listen(port, "127.0.0.1", () => console.log(JSON.stringify({ bearer, bound })));
