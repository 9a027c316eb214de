/* SPDX-License-Identifier: Apache-2.0 */
/* api_domain: the hosted domains. */

#include "api/api.h"
#include "api/settings.h"
#include "base/bug.h"
#include "hosting/domain_ops.h"
#include "hosting/domain_state.h"
#include "store/store.h"

#include "base/poison.h"

#define PAGE 100u
#define PAGE_MAX 1000u

/* ---- a domain as JSON */

static void put_record(struct json_writer *w, const struct domain_record *r)
{
	json_open_object(w, NULL);
	json_put_str(w, "owner", r->owner);
	json_put_str(w, "type", r->type);
	json_put_str(w, "value", r->value);
	json_put_bool(w, "optional", r->optional);
	json_put_z(w, "state", store_cname_state_name(r->state));
	json_put_str(w, "found", r->found);
	json_close_object(w);
}

static void put_cert(struct json_writer *w, const struct store_cert *cert)
{
	json_open_object(w, "certificate");
	json_put_str(w, "id", cert->id);
	json_put_str(w, "issuer", cert->issuer);
	json_put_str(w, "source", cert->source);
	json_put_int(w, "not_before", cert->not_before);
	json_put_int(w, "not_after", cert->not_after);
	json_put_int(w, "renew_at", cert->renew_at);
	json_close_object(w);
}

static void put_order(
	struct json_writer *w, const struct store_acme_order *order)
{
	json_open_object(w, "order");
	json_put_z(w, "state", store_order_state_name(order->state));
	json_put_str(w, "challenge", order->challenge);
	json_put_int(w, "attempts", order->attempts);
	json_put_int(w, "next_at", order->next_at);
	json_put_str(w, "problem_type", order->problem_type);
	json_put_str(w, "problem", order->problem_detail);
	json_put_int(w, "problem_at", order->problem_at);
	json_close_object(w);
}

/* What state and the JSON need besides the row; NULL where there is none. */
struct around {
	struct store_cert cert_row;
	struct store_acme_order order_row;
	const struct store_cert *cert;
	const struct store_acme_order *order;
};

static void look_around(
	struct api_call *c, const struct store_domain *d, struct around *out)
{
	struct str host = arena_fmt(c->a, "mta-sts.%.*s", STR_ARG(d->name));
	struct err e = {};

	if (store_cert_current(c->env->store, c->a, d->tenant, host,
		    &out->cert_row, &e) == ST_OK)
		out->cert = &out->cert_row;
	if (store_acme_order_last(c->env->store, c->a, d->tenant, host,
		    &out->order_row, &e) == ST_OK)
		out->order = &out->order_row;
}

static void put_domain(
	struct api_call *c, const char *name, const struct store_domain *d)
{
	struct str zone = settings_str(c->env->settings, "dns.zone");
	struct domain_record records[DOMAIN_RECORDS];
	struct json_writer *w = &c->w;
	struct around around = {};
	struct domain_state state;

	look_around(c, d, &around);
	state = domain_state_of(
		c->a, d, around.cert, around.order, zone, c->now);
	domain_records(c->a, d, zone, records);
	json_open_object(w, name);
	json_put_str(w, "name", d->name);
	json_put_str(w, "tenant", d->tenant);
	json_put_str(w, "label", d->label);
	json_put_z(w, "state", domain_word_text(state.word));
	json_put_str(w, "sentence", state.sentence);
	json_put_str(w, "next", state.next);
	json_put_z(w, "mode", store_mode_name(d->mode));
	json_put_int(w, "max_age", d->max_age);
	json_put_strs(w, "mx", d->mx.items, d->mx.n);
	json_put_bool(w, "mx_confirmed", d->mx_confirmed != 0);
	json_put_strs(w, "mx_proposed", d->mx_proposed.items, d->mx_proposed.n);
	json_put_bool(w, "rua_mail", d->rua_mail);
	json_put_bool(w, "rua_https", d->rua_https);
	json_put_strs(w, "rua_extra", d->rua_extra.items, d->rua_extra.n);
	json_put_str(w, "policy_id", d->policy_id);
	json_put_str(w, "policy", d->policy_body);
	json_put_str(w, "dns_id", d->dns_id);
	json_put_z(w, "proof", store_proof_name(d->proof));
	json_put_str(w, "proof_detail", d->proof_detail);
	json_put_int(w, "proof_checked", d->proof_checked);
	json_put_int(w, "created", d->created);
	json_put_int(w, "retiring", d->retiring);
	json_put_int(w, "not_none_until", d->not_none_until);
	json_put_str(w, "attention", d->attention);
	json_open_array(w, "records");
	for (size_t i = 0; i < DOMAIN_RECORDS; i++)
		put_record(w, &records[i]);
	json_close_array(w);
	if (around.cert != NULL)
		put_cert(w, around.cert);
	if (around.order != NULL)
		put_order(w, around.order);
	json_close_object(w);
}

/* ---- what all handlers need */

static struct str lower(struct api_call *c, struct str s)
{
	char *p = arena_alloc(c->a, s.n + 1);

	BUG(p == NULL);
	if (str_ends(s, STR(".")))
		s.n--;
	str_lower(p, s);
	return (struct str){ p, s.n };
}

static struct domain_request request_of(struct api_call *c, struct str name)
{
	return (struct domain_request){
		.tenant = STORE_TENANT_DEFAULT,
		.name = lower(c, name),
		.actor = c->actor,
		.now = c->now,
		.force = api_force(c),
	};
}

/* The strings of the JSON array of that name; false: it is not there. */
static bool read_list(
	struct api_call *c, const char *name, struct store_strs *out)
{
	const struct json *list = json_get(c->json, name);

	*out = (struct store_strs){};
	if (list == NULL || list->type != JSON_ARRAY)
		return false;
	out->items = arena_array(c->a, list->count + 1, sizeof(*out->items));
	BUG(out->items == NULL);
	for (const struct json *v = list->first; v != NULL; v = v->next)
		if (v->type == JSON_STRING)
			out->items[out->n++] = json_str(v);
	return true;
}

/* As read_list, of host names. */
static bool read_hosts(
	struct api_call *c, const char *name, struct store_strs *out)
{
	bool there = read_list(c, name, out);

	for (size_t i = 0; i < out->n; i++)
		out->items[i] = lower(c, out->items[i]);
	return there;
}

/* A boolean of the body; one that is not there changes nothing. */
static enum domain_choice read_choice(struct api_call *c, const char *name)
{
	const struct json *v = json_get(c->json, name);

	if (v == NULL || v->type != JSON_BOOL)
		return DOMAIN_KEEP;
	return json_true(v) ? DOMAIN_YES : DOMAIN_NO;
}

static void answer(struct api_call *c, enum status st,
	const struct store_domain *d, const struct err *e)
{
	if (st == ST_OK)
		put_domain(c, NULL, d);
	else
		api_fail(c, st, e);
}

/* ---- handlers */

void api_domain_list(struct api_call *c)
{
	struct store_domain_filter f = { .tenant = STORE_TENANT_DEFAULT,
		.after_tenant = STORE_TENANT_DEFAULT,
		.after_name = api_query(c, "after") };
	struct store_domain *rows;
	struct err e = {};
	enum status st;
	size_t n;

	if (!api_limit(c, PAGE, PAGE_MAX, &f.limit))
		return;
	st = store_domain_list(c->env->store, c->a, &f, &rows, &n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_open_array(&c->w, "domains");
	for (size_t i = 0; i < n; i++)
		put_domain(c, NULL, &rows[i]);
	json_close_array(&c->w);
	if (n == f.limit)
		json_put_str(&c->w, "after", rows[n - 1].name);
	json_close_object(&c->w);
}

/* The MX list as DNS has it; empty with the reason in *why if unknown. */
static struct store_strs ask_mx(
	struct api_call *c, struct str domain, struct str *why)
{
	struct probe_finding f;

	probe_mx(&c->env->probe, c->a, domain, &f);
	*why = f.detail;
	if (f.result != PROBE_PASS)
		return (struct store_strs){};
	return (struct store_strs){ f.found, f.n_found };
}

void api_domain_add(struct api_call *c)
{
	struct domain_request r = request_of(c, json_get_str(c->json, "name"));
	struct domain_wish wish = {};
	struct store_domain d;
	struct store_strs mx, rua;
	struct err e = {};
	enum status st;
	struct str why;

	if (read_hosts(c, "mx", &mx)) {
		wish.mx_confirmed = true;
	} else {
		mx = ask_mx(c, r.name, &why);
		wish.mx_confirmed = mx.n > 0 && json_true(json_get(c->json,
							"mx_confirmed"));
	}
	if (mx.n > 0)
		wish.mx = &mx;
	if (read_list(c, "rua_extra", &rua))
		wish.rua_extra = &rua;
	wish.rua_https = read_choice(c, "rua_https");
	(void)!json_i64(json_get(c->json, "max_age"), DOMAIN_MAX_AGE_MIN_S,
		DOMAIN_MAX_AGE_MAX_S, &wish.max_age);
	st = domain_add(c->env->store, c->a, &r, &wish, &d, &e);
	if (st == ST_OK)
		c->code = 201;
	answer(c, st, &d, &e);
}

void api_domain_show(struct api_call *c)
{
	struct store_domain d;
	struct err e = {};
	enum status st = store_domain_get(c->env->store, c->a,
		STORE_TENANT_DEFAULT, lower(c, c->params[0]), &d, &e);

	answer(c, st, &d, &e);
}

static void put_live(struct api_call *c, const struct domain_record *r)
{
	struct probe_finding f;
	bool txt = str_eq(r->type, STR("TXT"));

	if (txt)
		probe_txt(&c->env->probe, c->a, r->owner, r->value, &f);
	else
		probe_cname(&c->env->probe, c->a, r->owner, r->value, &f);
	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "owner", r->owner);
	json_put_str(&c->w, "type", r->type);
	json_put_str(&c->w, "value", r->value);
	json_put_bool(&c->w, "optional", r->optional);
	json_put_z(&c->w, "result", probe_result_name(f.result));
	json_put_bool(&c->w, "missing", f.missing);
	json_put_str(&c->w, "detail", f.detail);
	json_put_strs(&c->w, "found", f.found, f.n_found);
	json_close_object(&c->w);
}

void api_domain_dns(struct api_call *c)
{
	struct str zone = settings_str(c->env->settings, "dns.zone");
	struct domain_record records[DOMAIN_RECORDS];
	struct store_domain d;
	struct err e = {};
	enum status st = store_domain_get(c->env->store, c->a,
		STORE_TENANT_DEFAULT, lower(c, c->params[0]), &d, &e);

	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	domain_records(c->a, &d, zone, records);
	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "name", d.name);
	json_open_array(&c->w, "records");
	for (size_t i = 0; i < DOMAIN_RECORDS; i++)
		put_live(c, &records[i]);
	json_close_array(&c->w);
	json_close_object(&c->w);
}

void api_domain_mode(struct api_call *c)
{
	struct domain_request r = request_of(c, c->params[0]);
	struct store_domain d;
	enum store_mode mode;
	struct err e = {};
	enum status st;

	if (store_mode_parse(json_get_str(c->json, "mode"), &mode) != ST_OK) {
		api_problem(c, 422, "no such mode", NULL, "mode",
			"say none, testing or enforce");
		return;
	}
	st = domain_set_mode(c->env->store, c->a, &r, mode, &d, &e);
	answer(c, st, &d, &e);
}

void api_domain_mx(struct api_call *c)
{
	struct domain_request r = request_of(c, c->params[0]);
	struct store_strs mx;
	bool given = read_hosts(c, "mx", &mx);
	struct store_domain d;
	struct err e = {};
	enum status st = domain_confirm_mx(
		c->env->store, c->a, &r, given ? &mx : NULL, &d, &e);

	answer(c, st, &d, &e);
}

void api_domain_options(struct api_call *c)
{
	struct domain_request r = request_of(c, c->params[0]);
	struct domain_wish wish = {};
	struct store_strs rua;
	struct store_domain d;
	struct err e = {};
	enum status st;

	if (json_get(c->json, "max_age") != NULL &&
		json_i64(json_get(c->json, "max_age"), DOMAIN_MAX_AGE_MIN_S,
			DOMAIN_MAX_AGE_MAX_S, &wish.max_age) != ST_OK) {
		api_problem(c, 422, "max_age is out of range", NULL, "max_age",
			"3600 to 31557600 seconds (RFC 8461 section 3.2)");
		return;
	}
	wish.rua_https = read_choice(c, "rua_https");
	wish.rua_mail = read_choice(c, "rua_mail");
	if (read_list(c, "rua_extra", &rua))
		wish.rua_extra = &rua;
	st = domain_set_options(c->env->store, c->a, &r, &wish, &d, &e);
	answer(c, st, &d, &e);
}

void api_domain_recheck(struct api_call *c)
{
	struct domain_request r = request_of(c, c->params[0]);
	struct store_domain d;
	struct err e = {};
	enum status st = domain_recheck(c->env->store, c->a, &r, &d, &e);

	answer(c, st, &d, &e);
}

void api_domain_retire(struct api_call *c)
{
	struct domain_request r = request_of(c, c->params[0]);
	struct store_domain d;
	struct err e = {};
	enum status st = domain_retire(c->env->store, c->a, &r, &d, &e);

	answer(c, st, &d, &e);
}

void api_domain_remove(struct api_call *c)
{
	struct domain_request r = request_of(c, c->params[0]);
	struct store_domain d;
	struct err e = {};
	enum status st = domain_remove(c->env->store, c->a, &r, &d, &e);

	answer(c, st, &d, &e);
}
