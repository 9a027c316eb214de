/* SPDX-License-Identifier: Apache-2.0 */
/* cert_source: one order for a source that is not ACME. */
#include "hosting/cert_source.h"

#include "base/log.h"
#include "hosting/acme_order.h"
#include "hosting/cert_install.h"
#include "hosting/cert_subject.h"
#include "io/crypto.h"
#include "io/pki.h"
#include "store/store.h"

#include "base/poison.h"

#define ARENA_MAX ((size_t)8 << 20)

const char *cert_source_name(enum cert_source s)
{
	static const char *const names[] = { "acme", "local-ca", "files",
		"exec" };

	return names[s];
}

static enum status fetch(const struct cert_env *env, struct arena *a,
	struct str host, struct cert_material *out, struct err *e)
{
	switch (env->config->source) {
	case CERT_SOURCE_LOCAL_CA:
		return cert_from_local_ca(env, a, host, out, e);
	case CERT_SOURCE_FILES:
		return cert_from_files(env, a, host, out, e);
	case CERT_SOURCE_EXEC:
		return cert_from_exec(env, a, host, out, e);
	case CERT_SOURCE_ACME:
		break;
	}
	return err_set(e, ST_PERM, "no such source of certificates");
}

/* The certificate and the end of the order, together. */
static enum status save(struct cert_env *env, struct store_acme_order *o,
	const struct store_cert *cert, int64_t now, struct err *e)
{
	enum status st = store_begin(env->store, e);

	if (st != ST_OK)
		return st;
	st = store_cert_add(env->store, cert, e);
	o->state = STORE_ORDER_DONE;
	o->updated = now;
	o->cert_id = cert->id;
	o->problem_type = o->problem_detail = (struct str){};
	o->problem_at = 0;
	if (st == ST_OK)
		st = store_acme_order_put(env->store, o, e);
	if (st == ST_OK)
		st = store_commit(env->store, e);
	if (st != ST_OK)
		store_rollback(env->store);
	return st;
}

/* The same certificate again is no renewal. */
static enum status is_new(const struct cert_env *env, struct arena *a,
	const struct store_cert *cert, struct err *e)
{
	struct store_cert old;
	enum status st = store_cert_current(
		env->store, a, cert->tenant, cert->host, &old, e);

	if (st == ST_OK && str_eq(old.id, cert->id))
		return err_set(e, ST_INVALID,
			"%.*s gave the certificate that is in use already",
			STR_ARG(cert->source));
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status obtain(struct cert_env *env, struct arena *a,
	struct store_acme_order *o, int64_t now, struct err *e)
{
	struct store_cert cert = { .tenant = o->tenant,
		.host = o->host,
		.source = str_of(cert_source_name(env->config->source)) };
	struct cert_material m = {};
	struct str sealed = {};
	enum status st = fetch(env, a, o->host, &m, e);

	if (st != ST_OK)
		return st;
	st = cert_key_seal(env, a, CERT_KEY_PURPOSE, m.key, &sealed, e);
	pki_key_free(&m.key);
	if (st == ST_OK)
		st = cert_check(env, a, m.chain, m.n, sealed, &cert, e);
	if (st == ST_OK)
		st = is_new(env, a, &cert, e);
	if (st == ST_OK && env->config->source == CERT_SOURCE_FILES)
		cert.renew_at = now; /* look at the file each minute */
	if (st == ST_OK)
		st = save(env, o, &cert, now, e);
	if (st == ST_OK)
		LOG(LOG_INFO, "cert.installed", KV_STR("host", o->host),
			KV_STR("source", cert.source));
	return st;
}

static enum status work(struct cert_env *env, struct arena *a,
	struct store_acme_order *o, int64_t now, struct err *e)
{
	struct cert_subject subject;
	struct err said = {};
	enum status st = cert_subject_get(env->store, a, env->config, o->tenant,
		o->host, &subject, &said);

	if (st == ST_OK)
		st = obtain(env, a, o, now, &said);
	else if (st == ST_NOTFOUND)
		o->state = STORE_ORDER_FAILED;
	if (st == ST_OK)
		return ST_OK;
	if (o->state == STORE_ORDER_FAILED) {
		o->problem_type = STR("moat:left");
		o->problem_detail = str_of(said.text);
		o->problem_at = now;
	} else {
		acme_order_failed(o, st,
			arena_fmt(a, "moat:%s", status_name(st)),
			str_of(said.text), 0, now,
			crypto_random_below(UINT32_MAX));
	}
	LOG(LOG_WARN, "cert.failed", KV_STR("host", o->host),
		KV_Z("reason", said.text), KV_INT("retry_s", o->next_at - now));
	return store_acme_order_put(env->store, o, e);
}

enum status cert_source_work(
	struct cert_env *env, struct str order_id, struct err *e)
{
	struct arena *a = arena_must(ARENA_MAX);
	int64_t now = clock_now(env->clock).s;
	struct store_acme_order o;
	enum status st = store_acme_order_get(env->store, a, order_id, &o, e);

	if (st == ST_OK && o.state < STORE_ORDER_DONE && o.next_at <= now)
		st = work(env, a, &o, now, e);
	arena_free(&a);
	return st;
}
