/* SPDX-License-Identifier: Apache-2.0 */
/* domain_ops: one transaction per wish. */
#include "hosting/domain_ops.h"

#include "base/bug.h"
#include "base/sbuf.h"
#include "hosting/label.h"
#include "proto/host_name.h"
#include "proto/sts_match.h"
#include "proto/tlsrpt_uri.h"

#include "base/poison.h"

#define DOMAIN_NAME_MAX 244 /* "mta-sts." before it must fit 253 */

/* ---- checks of what was asked ------------------------------------------- */

static enum status name_check(struct str name, struct err *e)
{
	enum host_fault fault = host_name_fault(name);

	if (fault != HOST_NAME_GOOD)
		return err_set(e, ST_INVALID, "%.*s: the name %s",
			STR_ARG(str_upto(name, 100)), host_fault_text(fault));
	if (name.n > DOMAIN_NAME_MAX || str_index(name, '.') < 0)
		return err_set(e, ST_INVALID,
			"%.*s: not a domain that can have a policy host",
			STR_ARG(str_upto(name, 100)));
	return ST_OK;
}

static enum status mx_check(const struct store_strs *mx, struct err *e)
{
	if (mx->n == 0 || mx->n > DOMAIN_MX_MAX)
		return err_set(e, ST_INVALID,
			"a policy names 1 to %d MX host patterns (RFC 8461 "
			"section 3.2)",
			DOMAIN_MX_MAX);
	for (size_t i = 0; i < mx->n; i++)
		if (!sts_pattern_valid(mx->items[i]))
			return err_set(e, ST_INVALID,
				"%.*s is not an MX host pattern (RFC 8461 "
				"section 3.2)",
				STR_ARG(str_upto(mx->items[i], 100)));
	return ST_OK;
}

static enum status rua_check(const struct store_strs *rua, struct err *e)
{
	struct arena *a = arena_must(0);
	enum status st = ST_OK;
	size_t bytes = 0;

	if (rua->n > DOMAIN_RUA_MAX)
		st = err_set(e, ST_INVALID, "more than %d report addresses",
			DOMAIN_RUA_MAX);
	for (size_t i = 0; st == ST_OK && i < rua->n; i++) {
		enum tlsrpt_uri_fault fault;
		struct tlsrpt_uri uri;

		st = tlsrpt_uri_parse(a, rua->items[i], &uri, &fault);
		if (st == ST_OK && fault != TLSRPT_URI_GOOD)
			st = err_set(e, ST_INVALID, "%.*s %s",
				STR_ARG(str_upto(rua->items[i], 100)),
				tlsrpt_uri_fault_text(fault));
		bytes += rua->items[i].n;
	}
	if (st == ST_OK && bytes > DOMAIN_RUA_BYTES_MAX)
		st = err_set(e, ST_INVALID,
			"the report addresses are longer than %d bytes "
			"together",
			DOMAIN_RUA_BYTES_MAX);
	arena_free(&a);
	return st;
}

static enum status max_age_check(int64_t max_age, struct err *e)
{
	if (max_age >= DOMAIN_MAX_AGE_MIN_S && max_age <= DOMAIN_MAX_AGE_MAX_S)
		return ST_OK;
	return err_set(e, ST_INVALID,
		"max_age is %d to %d seconds (RFC 8461 section 3.2)",
		DOMAIN_MAX_AGE_MIN_S, DOMAIN_MAX_AGE_MAX_S);
}

static enum status wish_apply(
	struct store_domain *d, const struct domain_wish *wish, struct err *e)
{
	enum status st = ST_OK;

	if (wish->max_age != 0) {
		st = max_age_check(wish->max_age, e);
		d->max_age = wish->max_age;
	}
	if (st == ST_OK && wish->rua_extra != NULL) {
		st = rua_check(wish->rua_extra, e);
		d->rua_extra = *wish->rua_extra;
	}
	if (wish->rua_mail != DOMAIN_KEEP)
		d->rua_mail = wish->rua_mail == DOMAIN_YES;
	if (wish->rua_https != DOMAIN_KEEP)
		d->rua_https = wish->rua_https == DOMAIN_YES;
	return st;
}

/* ---- one transaction ---- */

struct op {
	struct store *s;
	struct arena *a;
	const struct domain_request *r;
	struct err *e;
	const char *action; /* for the audit log */
	struct store_domain d;
	bool rendered; /* the policy changed */
};

static enum status op_begin(struct op *op)
{
	enum status st = store_begin(op->s, op->e);

	if (st == ST_OK)
		st = store_domain_get(op->s, op->a, op->r->tenant, op->r->name,
			&op->d, op->e);
	if (st == ST_NOTFOUND)
		st = err_set(op->e, st, "%.*s is not hosted here",
			STR_ARG(str_upto(op->r->name, 253)));
	return st;
}

static enum status op_history(struct op *op, struct str reason)
{
	struct store_policy p = {
		.tenant = op->d.tenant,
		.domain = op->d.name,
		.id = op->d.policy_id,
		.body = op->d.policy_body,
		.mode = op->d.mode,
		.max_age = op->d.max_age,
		.since = op->d.policy_since,
		.actor = op->r->actor,
		.reason = reason,
	};

	return store_policy_add(op->s, &p, op->e);
}

/*
 * The id in DNS follows once every node serves the change that carries the
 * body, so the row must know its number: it is taken before the row is written.
 */
static enum status op_render(struct op *op)
{
	op->rendered = domain_render(op->a, &op->d, op->r->now);
	if (!op->rendered)
		return ST_OK;
	return store_change_add(op->s, STORE_CHANGE_DOMAIN, op->d.tenant,
		op->d.name, &op->d.policy_seq, op->e);
}

static enum status op_end(struct op *op, enum status st, struct str detail,
	struct store_domain *out)
{
	struct store_audit audit = {
		.tenant = op->r->tenant,
		.at = op->r->now,
		.actor = op->r->actor,
		.action = str_of(op->action),
		.object = op->r->name,
		.detail = detail,
	};

	if (st == ST_OK && op->rendered)
		st = op_history(op, detail);
	if (st == ST_OK)
		st = store_audit_add(op->s, &audit, op->e);
	if (st == ST_OK)
		st = store_commit(op->s, op->e);
	if (st != ST_OK)
		store_rollback(op->s);
	else if (out != NULL)
		*out = op->d;
	return st;
}

static enum status op_put(struct op *op, enum status st, struct str detail,
	struct store_domain *out)
{
	if (st == ST_OK)
		st = op_render(op);
	if (st == ST_OK)
		st = store_domain_put(op->s, &op->d, op->e);
	return op_end(op, st, detail, out);
}

/*
 * DNS is to be asked now. A look that is under way may have been too early: it
 * leaves the due time alone if it is another than the one it began for.
 */
static void look_again(struct op *op)
{
	int64_t now = op->r->now, due = op->d.proof_next;

	op->d.proof_next = due == now || due == now + 1 ? now + 1 : now;
}

/* Refuses with all reasons in one text, unless forced. */
static enum status op_refuse(
	struct op *op, const struct domain_reasons *why, const char *what)
{
	struct sbuf b = sbuf_arena(op->a, ERR_TEXT_MAX);

	if (why->n == 0 || op->r->force)
		return ST_OK;
	for (size_t i = 0; i < why->n; i++) {
		sbuf_addz(&b, i == 0 ? "" : "; ");
		sbuf_add(&b, why->text[i]);
	}
	return err_set(
		op->e, ST_AGAIN, "%s: %.*s", what, STR_ARG(sbuf_str(&b)));
}

/* A domain that comes back goes on where its ids ended. */
static enum status last_id(struct op *op)
{
	struct store_policy *p;
	enum status st;
	size_t n;

	st = store_policy_list(
		op->s, op->a, op->r->tenant, op->r->name, 1, &p, &n, op->e);
	if (st == ST_OK && n > 0)
		op->d.policy_id = p[0].id;
	return st;
}

/* ---- operations ---- */

enum status domain_add(struct store *s, struct arena *a,
	const struct domain_request *r, const struct domain_wish *wish,
	struct store_domain *out, struct err *e)
{
	struct op op = { s, a, r, e, .action = "domain.add" };
	enum status st = name_check(r->name, e);

	if (st == ST_OK && wish->mx != NULL)
		st = mx_check(wish->mx, e);
	if (st != ST_OK)
		return st;
	op.d = (struct store_domain){
		.tenant = r->tenant,
		.name = r->name,
		.label = label_new(a),
		.token = arena_fmt(a, "moat=%.*s", STR_ARG(label_new(a))),
		.created = r->now,
		.mode = STORE_MODE_TESTING,
		.max_age = DOMAIN_MAX_AGE_DEFAULT_S,
		.rua_mail = true,
		.proof_next = r->now,
	};
	st = wish_apply(&op.d, wish, e);
	if (st != ST_OK)
		return st;
	if (wish->mx != NULL) {
		op.d.mx = *wish->mx;
		op.d.mx_confirmed = wish->mx_confirmed ? r->now : 0;
	}
	st = store_begin(s, e);
	if (st == ST_OK)
		st = last_id(&op);
	if (st == ST_OK)
		st = op_render(&op);
	if (!op.rendered)
		op.d.policy_id = (struct str){};
	if (st == ST_OK)
		st = store_domain_add(s, &op.d, e);
	return op_end(&op, st, STR("added"), out);
}

enum status domain_confirm_mx(struct store *s, struct arena *a,
	const struct domain_request *r, const struct store_strs *mx,
	struct store_domain *out, struct err *e)
{
	struct op op = { s, a, r, e, .action = "domain.mx" };
	struct domain_reasons why;
	enum status st = op_begin(&op);

	if (st == ST_OK) {
		if (mx == NULL)
			mx = op.d.mx_proposed.n > 0 ? &op.d.mx_proposed
						    : &op.d.mx;
		st = mx_check(mx, e);
	}
	if (st == ST_OK) {
		domain_mx_risks(a, &op.d, mx, &why);
		st = op_refuse(&op, &why, "this list could lose mail");
	}
	if (st == ST_OK) {
		if (op.d.mx_proposed.n > 0) /* the keeper looks again */
			op.d.attention = (struct str){};
		op.d.mx = *mx;
		op.d.mx_confirmed = r->now;
		op.d.mx_proposed = (struct store_strs){};
		op.d.mx_proposed_at = 0;
		look_again(&op);
	}
	return op_put(&op, st, STR("MX list confirmed"), out);
}

enum status domain_set_mode(struct store *s, struct arena *a,
	const struct domain_request *r, enum store_mode mode,
	struct store_domain *out, struct err *e)
{
	struct op op = { s, a, r, e, .action = "domain.mode" };
	struct domain_reasons why;
	enum status st = op_begin(&op);

	if (st == ST_OK && mode == STORE_MODE_ENFORCE && op.d.mx_confirmed == 0)
		st = err_set(e, ST_INVALID,
			"the MX list is not confirmed: moat domain show %.*s "
			"says what comes first",
			STR_ARG(op.d.name));
	if (st == ST_OK && op.d.retiring > 0 && mode != STORE_MODE_NONE)
		op.d.retiring = 0;
	if (st == ST_OK && mode == STORE_MODE_ENFORCE &&
		op.d.mode != STORE_MODE_ENFORCE) {
		domain_enforce_risks(a, &op.d, &why);
		st = op_refuse(&op, &why, "enforce could lose mail");
	}
	op.d.mode = mode;
	return op_put(
		&op, st, arena_fmt(a, "mode %s", store_mode_name(mode)), out);
}

enum status domain_set_options(struct store *s, struct arena *a,
	const struct domain_request *r, const struct domain_wish *wish,
	struct store_domain *out, struct err *e)
{
	struct op op = { s, a, r, e, .action = "domain.options" };
	enum status st = op_begin(&op);

	if (st == ST_OK)
		st = wish_apply(&op.d, wish, e);
	return op_put(&op, st, STR("options changed"), out);
}

enum status domain_retire(struct store *s, struct arena *a,
	const struct domain_request *r, struct store_domain *out, struct err *e)
{
	struct op op = { s, a, r, e, .action = "domain.retire" };
	enum status st = op_begin(&op);

	if (st == ST_OK && op.d.retiring == 0) {
		op.d.retiring = r->now;
		op.d.mode = STORE_MODE_NONE;
	}
	return op_put(&op, st, STR("retiring"), out);
}

enum status domain_remove(struct store *s, struct arena *a,
	const struct domain_request *r, struct store_domain *out, struct err *e)
{
	struct op op = { s, a, r, e, .action = "domain.remove" };
	struct domain_reasons why;
	enum status st = op_begin(&op);

	if (st == ST_OK) {
		domain_remove_risks(a, &op.d, r->now, &why);
		st = op_refuse(&op, &why, "senders would miss the policy");
	}
	if (st == ST_OK) {
		op.d.removed = r->now;
		st = store_domain_put(s, &op.d, e);
	}
	return op_end(&op, st, STR("removed"), out);
}

/* An order that waits for its next try has it now. */
static enum status order_at_once(struct op *op)
{
	const struct domain_request *r = op->r;
	struct store_acme_order order;
	enum status st = store_acme_order_last(op->s, op->a, r->tenant,
		arena_fmt(op->a, "mta-sts.%.*s", STR_ARG(r->name)), &order,
		op->e);

	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st != ST_OK || order.state >= STORE_ORDER_DONE ||
		order.next_at <= r->now)
		return st;
	order.next_at = r->now;
	return store_acme_order_put(op->s, &order, op->e);
}

enum status domain_recheck(struct store *s, struct arena *a,
	const struct domain_request *r, struct store_domain *out, struct err *e)
{
	struct op op = { s, a, r, e, .action = "domain.recheck" };
	enum status st = op_begin(&op);

	if (st == ST_OK)
		look_again(&op);
	op.d.proof_tries = 0;
	if (st == ST_OK)
		st = store_domain_put_checked(s, &op.d, false, e);
	if (st == ST_OK)
		st = order_at_once(&op);
	return op_end(&op, st, STR("check now"), out);
}
