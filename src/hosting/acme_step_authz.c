/* SPDX-License-Identifier: Apache-2.0 */
/* acme_step_authz: proving that the host is ours (RFC 8555 section 7.5). */
#include "base/log.h"
#include "hosting/acme_preflight.h"
#include "hosting/acme_step.h"

#include "base/poison.h"

#define CHALLENGE_LIFE_S 3600

static enum status fetch_authz(
	struct acme_step *x, struct acme_authz_info *out, struct err *e)
{
	enum status st = acme_step_post(x, x->o->authz_url, (struct str){}, e);

	if (st == ST_OK)
		st = acme_authz_parse(x->a, x->reply.body, out, e);
	return st;
}

/* The CA's words about the challenge that we answered. */
static enum status authz_refused(
	struct acme_step *x, const struct acme_authz_info *authz, struct err *e)
{
	const struct acme_problem *p = NULL;

	for (size_t i = 0; i < authz->n_challenges; i++)
		if (authz->challenges[i].problem.type.n > 0)
			p = &authz->challenges[i].problem;
	x->refused_authz = true;
	return acme_step_refused(
		x, p, "the CA did not accept the challenge", e);
}

/* The challenge of the chosen kind; the CA need not offer each of them. */
static const struct acme_challenge_info *pick(struct acme_step *x,
	const struct acme_authz_info *authz, enum acme_challenge_kind *k)
{
	unsigned allowed = x->env->config->challenges;
	const struct acme_challenge_info *c = NULL;

	*k = acme_challenge_parse(x->o->challenge);
	while (*k != ACME_CHALLENGES &&
		(c = acme_challenge_find(authz, *k)) == NULL)
		*k = acme_challenge_next(allowed, *k);
	return c;
}

enum status acme_step_new(struct acme_step *x, struct err *e)
{
	struct store_acme_order *o = x->o;
	struct store_challenge row = { .tenant = o->tenant,
		.host = o->host,
		.order_id = o->id,
		.expires = x->now + CHALLENGE_LIFE_S };
	const struct acme_challenge_info *c;
	struct acme_authz_info authz;
	enum acme_challenge_kind k;
	enum status st = fetch_authz(x, &authz, e);

	if (st != ST_OK)
		return st;
	if (authz.state == ACME_VALID)
		return acme_step_move(x, STORE_ORDER_READY, e);
	if (authz.state != ACME_PENDING)
		return authz_refused(x, &authz, e);
	c = pick(x, &authz, &k);
	if (c == NULL)
		return err_set(e, ST_INVALID,
			"the CA offers no challenge that is possible here");
	st = acme_challenge_make(x->env, x->a, k, c->token, &row, e);
	if (st != ST_OK)
		return st;
	o->challenge = str_of(acme_challenge_name(k));
	o->challenge_url = c->url;
	o->token = c->token;
	return acme_step_publish(x, &row, STORE_ORDER_CHALLENGED, e);
}

enum status acme_step_challenged(struct acme_step *x, struct err *e)
{
	struct acme_authz_info authz;
	enum status st = acme_step_published(x, e);

	if (st == ST_OK && str_eq(x->o->challenge, STR("dns-01"))) {
		st = acme_preflight_secondaries(x->env, x->a, e);
		if (st == ST_AGAIN)
			return acme_step_wait(x, e);
	}
	if (st != ST_OK)
		return st;
	st = acme_step_post(x, x->o->challenge_url, STR("{}"), e);
	if (st == ST_OK)
		return acme_step_move(x, STORE_ORDER_VALIDATING, e);
	if (st != ST_INVALID || fetch_authz(x, &authz, e) != ST_OK)
		return st;
	/* Refused because it was posted already, before a crash? */
	if (authz.state == ACME_VALID)
		return acme_step_move(x, STORE_ORDER_READY, e);
	return authz.state == ACME_INVALID ? authz_refused(x, &authz, e) : st;
}

enum status acme_step_validating(struct acme_step *x, struct err *e)
{
	struct acme_authz_info authz;
	enum status st = fetch_authz(x, &authz, e);

	if (st != ST_OK)
		return st;
	if (authz.state == ACME_VALID)
		return acme_step_move(x, STORE_ORDER_READY, e);
	if (authz.state == ACME_PENDING || authz.state == ACME_PROCESSING)
		return acme_step_wait(x, e);
	return authz_refused(x, &authz, e);
}
