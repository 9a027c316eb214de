/* SPDX-License-Identifier: Apache-2.0 */
/* acme_step_queued: all that comes before and with newOrder (RFC 8555 7.4). */
#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"
#include "hosting/acme_limits.h"
#include "hosting/acme_preflight.h"
#include "hosting/acme_step.h"
#include "io/crypto.h"

#include "base/poison.h"

#define PAYLOAD_MAX 4096u
#define PROBE_LIFE_S 3600
#define ORDER_LIFE_S UTC_DAY_S /* when the CA does not say */

/* Nothing leads to us any more: the order ends, the certificate stays. */
static enum status give_up(struct acme_step *x, struct err *e)
{
	struct store_acme_order *o = x->o;

	o->problem_type = STR("moat:left");
	o->problem_detail = arena_str(x->a, str_of(e->text));
	o->problem_at = x->now;
	LOG(LOG_INFO, "acme.left", KV_STR("host", o->host),
		KV_Z("reason", e->text));
	return acme_step_move(x, STORE_ORDER_FAILED, e);
}

/* The kind to try: the one begun with, else the first that is allowed. */
static enum status choose(struct acme_step *x, unsigned allowed,
	enum acme_challenge_kind *out, struct err *e)
{
	enum acme_challenge_kind k = acme_challenge_parse(x->o->challenge);

	if (k == ACME_CHALLENGES || (allowed & 1u << k) == 0)
		k = acme_challenge_next(allowed, ACME_CHALLENGES);
	if (k == ACME_CHALLENGES)
		return err_set(e, ST_INVALID,
			"no challenge is possible: the settings allow none "
			"of those that the set-up of this name permits");
	x->o->challenge = str_of(acme_challenge_name(k));
	*out = k;
	return ST_OK;
}

struct draw {
	enum acme_limit limit;
	struct str key;
};

/* The buckets a new order draws from. */
static size_t draws_of(const struct store_acme_order *o,
	const struct cert_subject *subject, struct draw out[3])
{
	size_t n = 0;

	out[n++] = (struct draw){ ACME_LIMIT_ORDERS, STR("") };
	out[n++] = (struct draw){ ACME_LIMIT_SAME_SET, o->host };
	if (!subject->system && str_eq(o->reason, STR("first")))
		out[n++] = (struct draw){ ACME_LIMIT_DOMAIN,
			subject->domain.name };
	return n;
}

/* A renewal that the CA itself suggested is exempt (RFC 9773 section 5). */
static bool is_limited(const struct acme_step *x)
{
	return x->env->config->limits && x->o->replaces.n == 0;
}

static enum status check_limits(
	struct acme_step *x, const struct cert_subject *subject, struct err *e)
{
	struct store_acme_order *o = x->o;
	struct draw draws[5];
	size_t n;
	int64_t wait = 0;
	enum status st = ST_OK;

	if (!is_limited(x))
		return ST_OK;
	n = draws_of(o, subject, draws);
	draws[n++] = (struct draw){ ACME_LIMIT_FAILURES, o->host };
	draws[n++] = (struct draw){ ACME_LIMIT_IN_A_ROW, o->host };
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = acme_limits_check(x->env->store, x->a, o->directory,
			draws[i].limit, draws[i].key, x->now, &wait, e);
	if (st != ST_AGAIN)
		return st;
	x->reply.retry_after_s = wait;
	return ST_LIMIT;
}

/* A token of our own, so that the probe sees what the CA would. */
static enum status publish_probe(struct acme_step *x, struct err *e)
{
	unsigned char random[16];
	struct sbuf b = sbuf_arena(x->a, 64);
	struct store_challenge c = { .tenant = x->o->tenant,
		.host = x->o->host,
		.type = STORE_CHALLENGE_HTTP01,
		.order_id = x->o->id,
		.expires = x->now + PROBE_LIFE_S };

	crypto_random(random, sizeof(random));
	base64url_write(&b, (struct str){ (char *)random, sizeof(random) });
	c.token = sbuf_str(&b);
	c.value = arena_fmt(x->a, "moat-probe.%.*s", STR_ARG(c.token));
	x->o->token = c.token;
	return acme_step_publish(x, &c, STORE_ORDER_QUEUED, e);
}

/* What was published to be probed goes away again. */
static enum status withdraw_probe(struct acme_step *x, struct err *e)
{
	x->o->token = (struct str){};
	return store_challenge_drop(x->env->store, x->o->id, e);
}

/*
 * ST_OK: order. ST_AGAIN: the probe is not published yet. A kind that would
 * fail is passed over for the next one while there is one.
 */
static enum status look_first(struct acme_step *x,
	const struct cert_subject *subject, unsigned allowed,
	const struct acme_directory *d, struct err *e)
{
	enum acme_challenge_kind k = acme_challenge_parse(x->o->challenge);
	struct acme_http_probe probe = {};
	enum status st;

	if (x->env->probe == NULL || !x->env->config->preflight)
		return ST_OK;
	if (k == ACME_HTTP01) {
		if (x->o->token.n == 0) {
			st = publish_probe(x, e);
			if (st != ST_OK)
				return st;
		}
		st = acme_step_published(x, e);
		if (st != ST_OK)
			return st;
		probe.token = x->o->token;
		probe.value = arena_fmt(
			x->a, "moat-probe.%.*s", STR_ARG(probe.token));
	}
	st = acme_preflight(x->env, x->a, subject, x->o->host, k, d, &probe, e);
	if (st == ST_OK || st == ST_TEMP)
		return st;
	k = acme_challenge_next(allowed, k);
	if (k == ACME_CHALLENGES || withdraw_probe(x, e) != ST_OK)
		return st;
	x->o->challenge = str_of(acme_challenge_name(k));
	return look_first(x, subject, allowed, d, e);
}

static enum status check_profile(const struct acme_step *x,
	const struct acme_directory *d, struct err *e)
{
	struct str want = x->o->profile;

	if (want.n == 0)
		return ST_OK;
	for (size_t i = 0; i < d->n_profiles; i++)
		if (str_eq(d->profiles[i], want))
			return ST_OK;
	return err_set(e, ST_PERM,
		"the certificate authority offers no profile \"%.*s\"; set "
		"acme.profile to one it offers, or leave it empty",
		STR_ARG(want));
}

static struct str payload(
	const struct acme_step *x, const struct acme_directory *d)
{
	struct sbuf b = sbuf_arena(x->a, PAYLOAD_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_open_array(&w, "identifiers");
	json_open_object(&w, NULL);
	json_put_z(&w, "type", "dns");
	json_put_str(&w, "value", x->o->host);
	json_close_object(&w);
	json_close_array(&w);
	if (x->o->profile.n > 0)
		json_put_str(&w, "profile", x->o->profile);
	if (x->o->replaces.n > 0 && d->renewal_info.n > 0)
		json_put_str(&w, "replaces", x->o->replaces);
	json_close_object(&w);
	return sbuf_str(&b);
}

/* The row and what it drew, together. */
static enum status save_new(
	struct acme_step *x, const struct cert_subject *subject, struct err *e)
{
	struct store *s = x->env->store;
	struct draw draws[3];
	size_t n = is_limited(x) ? draws_of(x->o, subject, draws) : 0;
	enum status st = store_begin(s, e);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = acme_limits_draw(s, x->a, x->o->directory, draws[i].limit,
			draws[i].key, x->now, e);
	if (st == ST_OK)
		st = acme_step_move(x, STORE_ORDER_NEW, e);
	if (st == ST_OK)
		st = store_commit(s, e);
	if (st != ST_OK)
		store_rollback(s);
	return st;
}

/*
 * "replaces" is a courtesy, and not worth a refusal: without it the order is a
 * plain one. RFC 9773 section 5 says alreadyReplaced; servers of its drafts
 * said malformed.
 */
static bool is_about_replaces(const struct acme_step *x)
{
	return x->o->replaces.n > 0 &&
	       (acme_problem_is(&x->reply.problem, "alreadyReplaced") ||
		       acme_problem_is(&x->reply.problem, "malformed"));
}

static enum status place(struct acme_step *x,
	const struct cert_subject *subject, const struct acme_directory *d,
	struct err *e)
{
	struct store_acme_order *o = x->o;
	struct acme_order_info info;
	enum status st = acme_step_post(x, d->new_order, payload(x, d), e);

	if (st == ST_INVALID && is_about_replaces(x)) {
		o->replaces = (struct str){};
		st = acme_step_post(x, d->new_order, payload(x, d), e);
	}
	if (st != ST_OK)
		return st;
	st = acme_order_parse(x->a, x->reply.body, &info, e);
	if (st != ST_OK)
		return st;
	if (x->reply.location.n == 0 || info.n_authz != 1)
		return err_set(e, ST_INVALID,
			"the CA answered newOrder with %zu authorizations and "
			"%s URL (RFC 8555 section 7.4)",
			info.n_authz, x->reply.location.n == 0 ? "no" : "a");
	o->url = x->reply.location;
	o->authz_url = info.authz[0];
	o->finalize_url = info.finalize;
	o->token = (struct str){};
	o->expires = info.expires.s != 0 ? info.expires.s
					 : x->now + ORDER_LIFE_S;
	return save_new(x, subject, e);
}

enum status acme_step_queued(struct acme_step *x, struct err *e)
{
	const struct cert_config *config = x->env->config;
	struct store_acme_order *o = x->o;
	const struct acme_directory *d;
	struct cert_subject subject;
	enum acme_challenge_kind k;
	unsigned allowed;
	enum status st = cert_subject_get(
		x->env->store, x->a, config, o->tenant, o->host, &subject, e);

	if (st == ST_NOTFOUND)
		return give_up(x, e);
	if (st != ST_OK)
		return st;
	o->directory = config->account.directory;
	o->profile = config->profile;
	allowed = subject.challenges & config->challenges;
	st = choose(x, allowed, &k, e);
	if (st != ST_OK)
		return st;
	st = acme_client_directory(x->env->client, &d, e);
	if (st == ST_OK)
		st = check_profile(x, d, e);
	if (st == ST_OK)
		st = check_limits(x, &subject, e);
	if (st == ST_OK)
		st = look_first(x, &subject, allowed, d, e);
	if (st == ST_OK)
		st = place(x, &subject, d, e);
	return st;
}
