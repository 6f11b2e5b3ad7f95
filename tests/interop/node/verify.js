"use strict";
// Has sigstore-js judge checkpoints and inclusion proofs: a JSON array of cases on standard input, and for each of them
// the reason to refuse it (empty: accepted) in a JSON array on standard output.
//
// `bundle`: the package's public way, `new Verifier(trust).verify(entity)`. It takes a whole Sigstore bundle, so the leaf
// is an entry of the kind that Sigstore knows, in a tree and under a checkpoint of ours.
// `leaf`: the same checks of checkpoint and inclusion proof for a leaf of our own kind. The public way would also compare
// the leaf with a signed artifact, which ours are not; so the step of it that judges the log is called alone.
const { readFileSync } = require("node:fs");
const { bundleFromJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");
const { verifyTLogInclusion } = require("@sigstore/verify/dist/tlog");

function trusted(item) {
  const log = {
    baseUrl: `https://${item.origin}`,
    hashAlgorithm: 1,
    publicKey: { rawBytes: Buffer.from(item.logKey, "base64"), keyDetails: 7 },
    logId: { keyId: Buffer.alloc(32) },
    checkpointKeyId: { keyId: Buffer.from(item.keyId, "base64") },
  };
  const root = { tlogs: [log], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] };
  return toTrustMaterial(root, { artifact: { rawBytes: Buffer.from(item.artifactKey ?? "", "base64") } });
}

function judge(item) {
  if (item.kind === "leaf") {
    const inclusionProof = {
      logIndex: String(item.index),
      hashes: item.hashes.map((hash) => Buffer.from(hash, "base64")),
      checkpoint: { envelope: item.checkpoint },
    };
    const entry = { canonicalizedBody: Buffer.from(item.leaf, "base64"), inclusionProof };
    return verifyTLogInclusion(entry, trusted(item).tlogs);
  }
  const entity = toSignedEntity(bundleFromJSON(item.bundle), Buffer.from(item.artifact, "base64"));
  return new Verifier(trusted(item), { timestampThreshold: 0 }).verify(entity);
}

const reasons = JSON.parse(readFileSync(0, "utf8")).map((item) => {
  try {
    judge(item);
    return "";
  } catch (error) {
    return error.message || String(error);
  }
});
process.stdout.write(JSON.stringify(reasons));
