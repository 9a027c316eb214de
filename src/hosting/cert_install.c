/* SPDX-License-Identifier: Apache-2.0 */
/* cert_install: judging and sealing what will be served. */
#include "hosting/cert_install.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "hosting/acme_ari.h"
#include "io/crypto.h"
#include "io/pki.h"

#include "base/poison.h"

enum status cert_key_new(
	const struct cert_env *env, struct pki_key **out, struct err *e)
{
	return pki_key_generate(env->config->key_type, out, e);
}

enum status cert_key_seal(const struct cert_env *env, struct arena *a,
	struct str purpose, const struct pki_key *key, struct str *sealed,
	struct err *e)
{
	unsigned char raw[PKI_KEY_MAX];
	struct sbuf b = sbuf_arena(a, PKI_KEY_MAX + CRYPTO_SEAL_EXTRA);
	size_t n = 0;
	enum status st = pki_key_write(key, raw, sizeof(raw), &n);

	if (st == ST_OK)
		crypto_seal(
			env->seal, purpose, (struct str){ (char *)raw, n }, &b);
	mem_wipe(raw, sizeof(raw));
	if (st != ST_OK || !sbuf_ok(&b))
		return err_set(e, ST_PERM, "sealing a private key");
	*sealed = sbuf_str(&b);
	return ST_OK;
}

enum status cert_key_open(const struct cert_env *env, struct str purpose,
	struct str sealed, struct pki_key **out, struct err *e)
{
	unsigned char raw[PKI_KEY_MAX];
	size_t n = 0;
	enum status st = crypto_open(
		env->seal, purpose, sealed, raw, sizeof(raw), &n);

	if (st == ST_OK)
		st = pki_key_read((struct str){ (char *)raw, n }, out);
	mem_wipe(raw, sizeof(raw));
	if (st != ST_OK)
		return err_set(e, ST_PERM,
			"a private key does not open with this sealing key");
	return ST_OK;
}

static struct str hex_of(struct arena *a, struct str bytes)
{
	struct sbuf b = sbuf_arena(a, 1024);

	hex_write(&b, bytes);
	return sbuf_str(&b);
}

struct str cert_id_of(struct arena *a, struct str leaf_der)
{
	unsigned char hash[CRYPTO_SHA256_BYTES];

	crypto_sha256(leaf_der, hash);
	return hex_of(a, (struct str){ (char *)hash, sizeof(hash) });
}

/* What would break the host. */
static enum status judge(const struct cert_env *env,
	const struct pki_cert *leaf, const struct pki_key *key, struct str host,
	const struct pki_facts *f, struct err *e)
{
	int64_t now = clock_now(env->clock).s;

	if (!pki_cert_covers(leaf, host))
		return err_set(e, ST_INVALID,
			"the certificate does not cover %.*s", STR_ARG(host));
	if (!pki_cert_has_key(leaf, key))
		return err_set(e, ST_INVALID,
			"the certificate of %.*s has another key",
			STR_ARG(host));
	if (f->not_after.s <= now)
		return err_set(e, ST_INVALID,
			"the certificate of %.*s has expired", STR_ARG(host));
	return ST_OK;
}

enum status cert_check(const struct cert_env *env, struct arena *a,
	const struct str *chain, size_t n, struct str key_sealed,
	struct store_cert *row, struct err *e)
{
	struct pki_cert *leaf = NULL;
	struct pki_key *key = NULL;
	struct pki_facts f;
	enum status st;

	if (n == 0)
		return err_set(e, ST_INVALID, "the certificate chain is empty");
	st = pki_cert_parse(chain[0], &leaf, e);
	if (st != ST_OK)
		goto out;
	st = cert_key_open(env, CERT_KEY_PURPOSE, key_sealed, &key, e);
	if (st != ST_OK)
		goto out;
	st = pki_cert_facts(leaf, a, &f, e);
	if (st != ST_OK)
		goto out;
	st = judge(env, leaf, key, row->host, &f, e);
	if (st != ST_OK)
		goto out;
	row->id = cert_id_of(a, chain[0]);
	row->chain.items = arena_array(a, n, sizeof(*chain));
	row->chain.n = n;
	for (size_t i = 0; i < n; i++)
		row->chain.items[i] = chain[i];
	row->key_sealed = key_sealed;
	row->not_before = f.not_before.s;
	row->not_after = f.not_after.s;
	row->created = clock_now(env->clock).s;
	row->issuer = f.issuer;
	row->serial = hex_of(a, f.serial);
	row->renew_at = acme_renew_backstop(row->not_before, row->not_after);
out:
	pki_key_free(&key);
	pki_cert_free(&leaf);
	return st;
}
