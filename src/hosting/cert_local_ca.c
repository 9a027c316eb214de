/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_local_ca: a CA of our own, for trials and tests. Its key lies sealed in
 * the database, its root in a file, for clients to trust.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hosting/cert_source.h"

#include "base/base64.h"
#include "base/bug.h"
#include "base/log.h"
#include "hosting/cert_install.h"
#include "io/pki.h"
#include "store/store.h"

#include "base/poison.h"

#define META_KEY STR("local-ca.key")
#define META_CERT STR("local-ca.cert")
#define KEY_PURPOSE STR("local-ca")
#define ROOT_DAYS 3650
#define LEAF_DAYS 90
#define TEXT_MAX 8192u

struct ca {
	struct pki_key *key;
	struct pki_cert *cert;
};

static void ca_fini(struct ca *ca)
{
	pki_key_free(&ca->key);
	pki_cert_free(&ca->cert);
}

static struct str text_of(struct arena *a, struct str bytes)
{
	struct sbuf b = sbuf_arena(a, TEXT_MAX);

	base64_write(&b, bytes);
	return sbuf_str(&b);
}

static enum status load(const struct cert_env *env, struct arena *a,
	struct ca *ca, struct err *e)
{
	struct str key, cert;
	enum status st = store_meta_get(env->store, a, META_KEY, &key, e);

	if (st == ST_OK)
		st = store_meta_get(env->store, a, META_CERT, &cert, e);
	if (st != ST_OK)
		return st;
	if (base64_parse(a, key, &key) != ST_OK ||
		base64_parse(a, cert, &cert) != ST_OK)
		return err_set(e, ST_PERM, "the local CA is damaged");
	st = cert_key_open(env, KEY_PURPOSE, key, &ca->key, e);
	return st == ST_OK ? pki_cert_parse(cert, &ca->cert, e) : st;
}

static enum status make(const struct cert_env *env, struct arena *a,
	struct ca *ca, struct err *e)
{
	struct unix_time now = clock_now(env->clock);
	struct unix_time from = { now.s - UTC_DAY_S };
	struct unix_time to = { now.s + ROOT_DAYS * UTC_DAY_S };
	struct str sealed;
	enum status st = pki_key_generate(PKI_P256, &ca->key, e);

	if (st == ST_OK)
		st = pki_ca_root(
			ca->key, STR("moat local CA"), from, to, &ca->cert, e);
	if (st == ST_OK)
		st = cert_key_seal(env, a, KEY_PURPOSE, ca->key, &sealed, e);
	if (st == ST_OK)
		st = store_meta_put(
			env->store, META_KEY, text_of(a, sealed), e);
	if (st == ST_OK)
		st = store_meta_put(env->store, META_CERT,
			text_of(a, pki_cert_der(ca->cert, a)), e);
	return st;
}

/* The CA, made once, whoever comes first. */
static enum status need_ca(const struct cert_env *env, struct arena *a,
	struct ca *ca, struct err *e)
{
	enum status st = store_begin(env->store, e);

	if (st != ST_OK)
		return st;
	st = load(env, a, ca, e);
	if (st == ST_NOTFOUND)
		st = make(env, a, ca, e);
	if (st == ST_OK)
		st = store_commit(env->store, e);
	if (st != ST_OK)
		store_rollback(env->store);
	return st;
}

/* Best effort: without the file clients have nothing to trust, no more. */
static void write_root(
	const struct cert_env *env, struct arena *a, const struct ca *ca)
{
	const char *path = env->config->local_ca_file;
	struct str der = pki_cert_der(ca->cert, a);
	struct sbuf pem = sbuf_arena(a, TEXT_MAX);
	int fd;

	if (path == NULL || access(path, R_OK) == 0)
		return;
	pki_chain_write_pem(&pem, &der, 1);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, pem.p, pem.n) != (ssize_t)pem.n)
		LOG(LOG_WARN, "cert.local_ca_file", KV_Z("path", path),
			KV_INT("errno", errno));
	if (fd >= 0)
		(void)close(fd);
}

enum status cert_from_local_ca(const struct cert_env *env, struct arena *a,
	struct str host, struct cert_material *out, struct err *e)
{
	struct unix_time now = clock_now(env->clock);
	struct unix_time from = { now.s - 3600 };
	struct unix_time to = { now.s + LEAF_DAYS * UTC_DAY_S };
	struct pki_cert *leaf = NULL;
	struct pki_key *key = NULL;
	struct ca ca = {};
	struct str *chain;
	enum status st = need_ca(env, a, &ca, e);

	if (st != ST_OK)
		goto out;
	write_root(env, a, &ca);
	st = cert_key_new(env, &key, e);
	if (st == ST_OK)
		st = pki_ca_issue(
			ca.cert, ca.key, key, &host, 1, from, to, &leaf, e);
	if (st != ST_OK)
		goto out;
	chain = arena_array(a, 1, sizeof(*chain));
	BUG(chain == NULL);
	chain[0] = pki_cert_der(leaf, a);
	*out = (struct cert_material){ .chain = chain, .n = 1, .key = key };
	key = NULL;
out:
	pki_cert_free(&leaf);
	pki_key_free(&key);
	ca_fini(&ca);
	return st;
}
