/* SPDX-License-Identifier: Apache-2.0 */
/* cert_renew: renewal windows and queued renewals. */
#include "hosting/cert_renew.h"

#include "base/log.h"
#include "hosting/acme_ari.h"
#include "hosting/acme_client.h"
#include "hosting/cert_source.h"
#include "hosting/cert_subject.h"
#include "io/crypto.h"
#include "io/pki.h"
#include "store/store.h"

#include "base/poison.h"

#define ARENA_MAX ((size_t)8 << 20)
#define LOOK_AGAIN_S (6 * 3600) /* at a host that may not be renewed */
#define QUEUED_S UTC_DAY_S	/* until a renewal is queued anew */
#define FILES_S 60		/* between two looks at a file */
#define ARI_FAILED_S 3600

enum status cert_order_queue(const struct cert_env *env, struct str tenant,
	struct str host, const char *reason, struct str replaces, struct err *e)
{
	struct arena *a = arena_must(0);
	int64_t now = clock_now(env->clock).s;
	struct store_acme_order o = { .id = store_new_id(a),
		.tenant = tenant,
		.host = host,
		.directory = env->config->account.directory,
		.profile = env->config->profile,
		.reason = str_of(reason),
		.replaces = replaces,
		.next_at = now,
		.created = now,
		.updated = now };
	enum status st = store_acme_order_add(env->store, &o, e);

	if (st == ST_OK)
		LOG(LOG_INFO, "acme.queued", KV_STR("host", host),
			KV_Z("reason", reason));
	arena_free(&a);
	return st;
}

/* The leaf's facts and ARI certID; certid.p == NULL when it has none. */
static enum status cert_id(const struct store_cert *c, struct arena *a,
	struct str *id, struct err *e)
{
	struct pki_cert *leaf = NULL;
	struct pki_facts f;
	enum status st;

	if (c->chain.n == 0)
		return err_set(e, ST_INVALID, "stored chain is empty");
	st = pki_cert_parse(c->chain.items[0], &leaf, e);
	if (st != ST_OK)
		return st;
	st = pki_cert_facts(leaf, a, &f, e);
	if (st == ST_OK)
		*id = acme_ari_cert_id(a, f.authority_key, f.serial);
	pki_cert_free(&leaf);
	return st;
}

/* Asks for the window; what goes wrong leaves the old one standing. */
static enum status ask_window(struct cert_env *env, struct arena *a,
	struct store_cert *c, struct acme_reply *reply, struct err *e)
{
	const struct acme_directory *d;
	struct acme_renewal_info info;
	struct str id = {};
	enum status st = acme_client_directory(env->client, &d, e);

	if (st != ST_OK)
		return st;
	if (d->renewal_info.n == 0)
		return ST_NOTFOUND;
	st = cert_id(c, a, &id, e);
	if (st != ST_OK || id.p == NULL)
		return ST_NOTFOUND;
	st = acme_client_get(
		env->client, a, acme_ari_url(a, d->renewal_info, id), reply, e);
	if (st == ST_OK)
		st = acme_renewal_parse(a, reply->body, &info, e);
	if (st == ST_OK)
		acme_ari_apply(c, &info, crypto_random_below(UINT32_MAX));
	return st;
}

static void poll_ari(struct cert_env *env, struct arena *a,
	struct store_cert *c, int64_t now)
{
	int64_t start = c->ari_start, wait = ACME_ARI_DEFAULT_S;
	struct acme_reply reply = {};
	struct err e = {};
	enum status st = ask_window(env, a, c, &reply, &e);

	if (st == ST_NOTFOUND) {
		c->ari_next = 0;
		return;
	}
	if (st != ST_OK) {
		wait = ARI_FAILED_S;
		LOG(LOG_WARN, "acme.ari_failed", KV_STR("host", c->host),
			KV_Z("reason", e.text));
	}
	if (reply.retry_after_s > 0)
		wait = reply.retry_after_s;
	wait = wait < ACME_ARI_MIN_S   ? ACME_ARI_MIN_S
	       : wait > ACME_ARI_MAX_S ? ACME_ARI_MAX_S
				       : wait;
	c->ari_next = now + wait;
	if (st != ST_OK || start == c->ari_start)
		return;
	LOG(acme_ari_early(c) ? LOG_WARN : LOG_INFO,
		acme_ari_early(c) ? "acme.renew_early" : "acme.window",
		KV_STR("host", c->host), KV_INT("start", c->ari_start),
		KV_INT("end", c->ari_end), KV_STR("why", c->ari_url));
}

/* true if c came from the CA that is configured now. */
static bool is_ours(const struct cert_env *env, const struct store_cert *c)
{
	return env->config->source == CERT_SOURCE_ACME &&
	       str_eq(c->source, STR("acme")) &&
	       str_eq(c->directory, env->config->account.directory);
}

static enum status queue(struct cert_env *env, struct arena *a,
	struct store_cert *c, int64_t now, struct err *e)
{
	const char *reason = acme_ari_early(c) ? "revoked" : "renewal";
	struct cert_subject subject;
	struct str replaces = {};
	enum status st = cert_subject_get(
		env->store, a, env->config, c->tenant, c->host, &subject, e);

	if (st == ST_NOTFOUND) {
		c->renew_at = now + LOOK_AGAIN_S;
		return ST_OK;
	}
	if (st != ST_OK)
		return st;
	c->renew_at = now + QUEUED_S;
	if (is_ours(env, c) && c->ari_end != 0)
		(void)!cert_id(c, a, &replaces, e);
	st = cert_order_queue(env, c->tenant, c->host, reason, replaces, e);
	return st == ST_INVALID ? ST_OK : st; /* one is under way: fine */
}

static enum status handle(struct cert_env *env, struct arena *a,
	const struct store_cert *due, int64_t now, struct err *e)
{
	struct store_cert c;
	enum status st = store_cert_current(
		env->store, a, due->tenant, due->host, &c, e);

	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_OK : st;
	if (c.ari_next > 0 && c.ari_next <= now) {
		if (is_ours(env, &c))
			poll_ari(env, a, &c, now);
		else
			c.ari_next = 0;
	}
	if (c.renew_at <= now) {
		if (env->config->source == CERT_SOURCE_FILES &&
			!cert_files_changed(env, a, c.host, c.id))
			c.renew_at = now + FILES_S;
		else
			st = queue(env, a, &c, now, e);
	}
	return st == ST_OK ? store_cert_put_times(env->store, &c, e) : st;
}

enum status cert_renew_due(
	struct cert_env *env, size_t limit, size_t *n, struct err *e)
{
	struct arena *a = arena_must(ARENA_MAX);
	int64_t now = clock_now(env->clock).s;
	struct store_cert *due = NULL;
	size_t n_due = 0;
	enum status st = store_cert_due(
		env->store, a, now, limit, &due, &n_due, e);

	for (size_t i = 0; st == ST_OK && i < n_due; i++)
		st = handle(env, a, &due[i], now, e);
	if (st == ST_OK)
		*n = n_due;
	arena_free(&a);
	return st;
}
