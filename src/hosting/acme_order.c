/* SPDX-License-Identifier: Apache-2.0 */
/* acme_order: the loop over the steps, and what follows a failure. */
#include "hosting/acme_order.h"

#include "base/log.h"
#include "hosting/acme_bucket.h"
#include "hosting/acme_limits.h"
#include "hosting/acme_step.h"
#include "io/crypto.h"

#include "base/poison.h"

#define ARENA_MAX ((size_t)8 << 20) /* for one turn of one order */
#define CAA_BYTES_MAX 4096
#define STEPS_MAX 20	/* in one turn */
#define STATE_MAX_S 900 /* no state waits for the CA longer than this */

static enum status (*const steps[])(struct acme_step *, struct err *) = {
	[STORE_ORDER_QUEUED] = acme_step_queued,
	[STORE_ORDER_NEW] = acme_step_new,
	[STORE_ORDER_CHALLENGED] = acme_step_challenged,
	[STORE_ORDER_VALIDATING] = acme_step_validating,
	[STORE_ORDER_READY] = acme_step_ready,
	[STORE_ORDER_FINALIZING] = acme_step_finalizing,
	[STORE_ORDER_ISSUED] = acme_step_issued,
};

enum status acme_step_post(
	struct acme_step *x, struct str url, struct str payload, struct err *e)
{
	struct cert_env *env = x->env;
	enum status st = acme_client_post(env->client, x->a, env->account.key,
		env->account.kid, url, payload, &x->reply, e);

	if (st == ST_INVALID &&
		acme_problem_is(&x->reply.problem, "accountDoesNotExist") &&
		acme_account_forget(env->store, &env->account,
			env->config->account.directory, e) == ST_OK)
		return err_set(e, ST_TEMP,
			"the CA does not know our account; making it anew");
	return st;
}

enum status acme_step_move(
	struct acme_step *x, enum store_order_state state, struct err *e)
{
	x->o->state = state;
	x->o->updated = x->o->next_at = x->now;
	return store_acme_order_put(x->env->store, x->o, e);
}

enum status acme_step_wait(struct acme_step *x, struct err *e)
{
	struct store_acme_order *o = x->o;
	int64_t lasted = x->now - o->updated;
	int64_t wait = lasted < 10 ? 1 : lasted < 60 ? 3 : 15;
	enum status st;

	if (lasted > STATE_MAX_S)
		return err_set(e, ST_INVALID,
			"the order has been %s for more than %d minutes",
			store_order_state_name(o->state), STATE_MAX_S / 60);
	if (x->reply.retry_after_s > wait)
		wait = x->reply.retry_after_s;
	o->next_at = x->now + wait;
	st = store_acme_order_put(x->env->store, o, e);
	return st == ST_OK ? ST_AGAIN : st;
}

enum status acme_step_publish(struct acme_step *x, struct store_challenge *c,
	enum store_order_state state, struct err *e)
{
	struct store *s = x->env->store;
	enum status st = store_begin(s, e);

	if (st != ST_OK)
		return st;
	/* Of an order only one challenge is to be seen at a time. */
	st = store_challenge_drop(s, x->o->id, e);
	if (st == ST_OK)
		st = store_challenge_put(s, c, &x->o->challenge_seq, e);
	if (st == ST_OK)
		st = acme_step_move(x, state, e);
	if (st == ST_OK)
		st = store_commit(s, e);
	if (st != ST_OK)
		store_rollback(s);
	return st;
}

enum status acme_step_published(struct acme_step *x, struct err *e)
{
	int64_t applied = 0;
	enum status st = store_node_applied(x->env->store, x->now, &applied, e);

	if (st == ST_OK && applied >= x->o->challenge_seq)
		return ST_OK;
	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	if (x->now - x->o->updated > STATE_MAX_S)
		return err_set(e, ST_TEMP,
			"the challenge is still not published; is the keeper "
			"running?");
	return ST_AGAIN; /* due still: the keeper takes a quarter second */
}

enum status acme_step_refused(struct acme_step *x, const struct acme_problem *p,
	const char *what, struct err *e)
{
	if (p == NULL || p->detail.n == 0)
		return err_set(e, ST_INVALID, "%s and gives no reason", what);
	x->reply.problem = *p;
	return err_set(e, ST_INVALID, "%s: %.*s", what, STR_ARG(p->detail));
}

void acme_order_failed(struct store_acme_order *o, enum status st,
	struct str type, struct str detail, int64_t retry_after_s, int64_t now,
	uint32_t random)
{
	/* What the CA never saw cost it nothing: no waiting for tomorrow. */
	bool ours = str_starts(type, STR("moat:"));
	int64_t stage, wait;

	o->attempts++;
	stage = ours && o->attempts > 3 ? 3 : o->attempts;
	wait = acme_backoff_s(stage, random);
	if (retry_after_s > wait || (st == ST_LIMIT && retry_after_s > 0))
		wait = retry_after_s;
	o->problem_type = type;
	o->problem_detail = detail;
	o->problem_at = now;
	o->next_at = now + wait;
	if (st == ST_TEMP || st == ST_LIMIT)
		return;
	o->state = STORE_ORDER_QUEUED;
	o->updated = now;
	o->url = o->finalize_url = o->cert_url = (struct str){};
	o->authz_url = o->challenge_url = o->token = (struct str){};
	o->challenge = (struct str){};
	o->key_sealed = (struct str){};
	o->challenge_seq = 0;
	o->expires = 0;
}

/* Another kind of challenge may succeed where this one did not: at once. */
static bool try_next_kind(struct acme_step *x, struct str last)
{
	struct cert_subject subject;
	enum acme_challenge_kind k;
	struct err ignored = {};

	if (!x->refused_authz || !acme_challenge_may_help(&x->reply.problem) ||
		cert_subject_get(x->env->store, x->a, x->env->config,
			x->o->tenant, x->o->host, &subject, &ignored) != ST_OK)
		return false;
	k = acme_challenge_next(subject.challenges & x->env->config->challenges,
		acme_challenge_parse(last));
	if (k == ACME_CHALLENGES)
		return false;
	x->o->challenge = str_of(acme_challenge_name(k));
	x->o->next_at = x->now;
	x->o->attempts--;
	return true;
}

/* The row, what the refusal costs, and nothing left to be seen. */
static enum status save_failure(struct acme_step *x, struct err *e)
{
	struct store *s = x->env->store;
	struct str directory = x->o->directory, host = x->o->host;
	enum status st = store_begin(s, e);

	if (st != ST_OK)
		return st;
	if (x->refused_authz)
		st = acme_limits_draw(s, x->a, directory, ACME_LIMIT_FAILURES,
			host, x->now, e);
	if (st == ST_OK && x->refused_authz)
		st = acme_limits_draw(s, x->a, directory, ACME_LIMIT_IN_A_ROW,
			host, x->now, e);
	if (st == ST_OK && x->o->state == STORE_ORDER_QUEUED)
		st = store_challenge_drop(s, x->o->id, e);
	if (st == ST_OK)
		st = store_acme_order_put(s, x->o, e);
	if (st == ST_OK)
		st = store_commit(s, e);
	if (st != ST_OK)
		store_rollback(s);
	return st;
}

static enum status failed(struct acme_step *x, enum status why,
	const struct err *said, struct err *e)
{
	struct str last = x->o->challenge;
	struct str type = x->reply.problem.type;
	struct str detail = arena_str(x->a, str_of(said->text));
	bool next;

	if (type.n == 0)
		type = arena_fmt(x->a, "moat:%s", status_name(why));
	acme_order_failed(x->o, why, type, detail, x->reply.retry_after_s,
		x->now, crypto_random_below(UINT32_MAX));
	next = try_next_kind(x, last);
	LOG(LOG_WARN, "acme.failed", KV_STR("host", x->o->host),
		KV_STR("challenge", last), KV_STR("type", type),
		KV_STR("reason", detail),
		KV_INT("retry_s", x->o->next_at - x->now),
		KV_Z("then", next ? "next challenge" : "wait"));
	return save_failure(x, e);
}

/* The keeper publishes who may issue for us (RFC 8659, RFC 8657). */
static enum status remember_caa(struct acme_step *x, struct err *e)
{
	struct sbuf b = sbuf_arena(x->a, CAA_BYTES_MAX);
	const struct acme_directory *d;
	struct str now, before = {};
	enum status st = acme_client_directory(x->env->client, &d, e);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < d->n_caa; i++) {
		sbuf_addz(&b, i == 0 ? "" : "\n");
		sbuf_add(&b, d->caa[i]);
	}
	now = sbuf_str(&b);
	st = store_meta_get(x->env->store, x->a, STORE_META_CAA, &before, e);
	if (st == ST_NOTFOUND || (st == ST_OK && !str_eq(now, before)))
		st = store_meta_put(x->env->store, STORE_META_CAA, now, e);
	return st;
}

static enum status need_account(struct acme_step *x, struct err *e)
{
	struct cert_env *env = x->env;
	int64_t wait = 0;
	enum status st;

	if (env->account.kid.n > 0)
		return ST_OK;
	st = acme_limits_check(env->store, x->a, env->config->account.directory,
		ACME_LIMIT_ACCOUNTS, STR(""), x->now, &wait, e);
	if (st == ST_AGAIN && env->config->limits) {
		x->reply.retry_after_s = wait;
		return ST_LIMIT;
	}
	st = acme_account_open(env->store, x->a, env->seal, env->client,
		&env->config->account, &env->account, &x->reply, e);
	return st == ST_OK ? remember_caa(x, e) : st;
}

/* Steps until one waits, fails or finishes. */
static enum status run(struct acme_step *x, struct err *e)
{
	enum status st = need_account(x, e);

	for (int i = 0; st == ST_OK && i < STEPS_MAX; i++) {
		if (x->o->state >= STORE_ORDER_DONE)
			return ST_OK;
		x->now = clock_now(x->env->clock).s;
		if (x->o->expires != 0 && x->o->expires <= x->now)
			return err_set(e, ST_INVALID, "the order has expired");
		st = steps[x->o->state](x, e);
	}
	return st;
}

enum status acme_order_work(
	struct cert_env *env, struct str order_id, struct err *e)
{
	struct arena *a = arena_must(ARENA_MAX);
	struct store_acme_order o;
	struct acme_step x = {
		.env = env, .a = a, .o = &o, .now = clock_now(env->clock).s
	};
	struct err said = {};
	enum status st = store_acme_order_get(env->store, a, order_id, &o, e);

	if (st != ST_OK || o.state >= STORE_ORDER_DONE || o.next_at > x.now)
		goto out;
	st = run(&x, &said);
	if (st != ST_OK && st != ST_AGAIN)
		st = failed(&x, st, &said, e);
	else
		st = ST_OK;
out:
	arena_free(&a);
	return st;
}
