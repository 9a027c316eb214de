/* SPDX-License-Identifier: Apache-2.0 */
/* api: finding the route, reading the body, problem documents. */

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "store/store.h"

#include "base/poison.h"

static const struct {
	enum status st;
	int code;
	const char *title, *remedy;
} faults[] = {
	{ ST_NOTFOUND, 404, "not found",
		"moat domain list shows what is there" },
	{ ST_INVALID, 422, "not possible", NULL },
	{ ST_AGAIN, 409, "this could lose mail",
		"wait until the reasons are gone, or say --force" },
	{ ST_LIMIT, 413, "too much", NULL },
	{ ST_TEMP, 503, "not now",
		"try again in a moment; if it stays so, the log of moatd says "
		"more" },
	{ ST_PERM, 500, "broken", "the log of moatd says more" },
};

void api_problem(struct api_call *c, int code, const char *title,
	const char *detail, const char *where, const char *remedy)
{
	c->out = sbuf_arena(c->a, API_REPLY_BYTES_MAX);
	c->w = json_writer_of(&c->out, 0);
	c->code = code;
	c->problem = true;
	json_open_object(&c->w, NULL);
	json_put_int(&c->w, "status", code);
	json_put_z(&c->w, "title", title);
	if (detail != NULL)
		json_put_z(&c->w, "detail", detail);
	if (where != NULL)
		json_put_z(&c->w, "where", where);
	if (remedy != NULL)
		json_put_z(&c->w, "remedy", remedy);
	json_close_object(&c->w);
}

void api_fail(struct api_call *c, enum status st, const struct err *e)
{
	if (st == ST_TEMP || st == ST_PERM)
		LOG(LOG_WARN, "api.failed", KV_STR("path", c->path),
			KV_Z("reason", e->text));
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (faults[i].st == st) {
			api_problem(c, faults[i].code, faults[i].title, e->text,
				arena_str(c->a, c->path).p, faults[i].remedy);
			return;
		}
}

enum status api_audit_tenant(
	struct api_call *c, struct str action, struct str detail, struct err *e)
{
	/* The store gives the id. */
	return store_audit_add(c->env->store,
		&(struct store_audit){ .tenant = c->tenant,
			.at = c->now,
			.actor = c->actor,
			.action = action,
			.object = c->tenant,
			.detail = detail },
		e);
}

struct str api_query(const struct api_call *c, const char *name)
{
	struct str rest = c->query;

	while (rest.p != NULL) {
		struct str value = str_cut(&rest, '&');

		if (str_eq(str_cut(&value, '='), str_of(name)))
			return value;
	}
	return (struct str){};
}

static ptrdiff_t hex_digit(char c)
{
	return str_index(STR("0123456789abcdef"), chr_lower(c));
}

struct str api_query_text(const struct api_call *c, const char *name)
{
	struct str rest = api_query(c, name);
	struct sbuf b = sbuf_arena(c->a, rest.n);

	while (rest.n > 0) {
		ptrdiff_t high = rest.n < 3 ? -1 : hex_digit(rest.p[1]);
		ptrdiff_t low = rest.n < 3 ? -1 : hex_digit(rest.p[2]);
		bool coded = rest.p[0] == '%' && high >= 0 && low >= 0;

		sbuf_addc(&b, coded ? (char)(high * 16 + low) : rest.p[0]);
		rest = str_from(rest, coded ? 3 : 1);
	}
	return sbuf_str(&b);
}

bool api_limit(struct api_call *c, uint32_t usual, uint32_t max, size_t *out)
{
	struct str text = api_query(c, "limit");
	uint32_t n = usual;

	if (text.p != NULL && num_u32(text, 1, max, &n) != ST_OK) {
		api_problem(c, 422, "limit is no number, or too large", NULL,
			"limit", arena_fmt(c->a, "say 1 to %u", max).p);
		return false;
	}
	*out = n;
	return true;
}

bool api_day_of(struct arena *a, struct str text, int64_t *day)
{
	struct str date = arena_fmt(a, "%.*sT00:00:00Z", STR_ARG(text));
	struct unix_time t;

	if (text.n != 10 || utc_parse(date, NULL, &t) != ST_OK || t.s < 0)
		return false;
	*day = t.s / UTC_DAY_S;
	return true;
}

bool api_force(const struct api_call *c)
{
	return json_true(json_get(c->json, "force")) ||
	       str_eq(api_query(c, "force"), STR("yes"));
}

/* Does path fit the pattern? Fills params with what stands for {...}. */
static bool fits(struct api_call *c, const char *pattern)
{
	struct str want = str_of(pattern), have = c->path;
	size_t n = 0;

	while (want.p != NULL && have.p != NULL) {
		struct str w = str_cut(&want, '/'), h = str_cut(&have, '/');

		if (w.n > 0 && w.p[0] == '{' && n < API_PARAMS_MAX && h.n > 0)
			c->params[n++] = h;
		else if (!str_eq(w, h))
			return false;
	}
	return want.p == NULL && have.p == NULL;
}

static bool read_body(struct api_call *c, enum api_body kind)
{
	struct json *tree;
	struct err e = {};

	if (kind != API_JSON_BODY || c->body.n == 0)
		return true;
	if (json_parse(c->a, c->body, (struct json_limits){ 8, 10000 }, &tree,
		    NULL, &e) != ST_OK) {
		api_problem(c, 400, "the body is no JSON", e.text, NULL, NULL);
		return false;
	}
	c->json = tree;
	return true;
}

/* A name with a typing mistake is no tenant without reports. */
static bool read_tenant(struct api_call *c)
{
	struct str tenant = api_query(c, "tenant");
	struct store_tenant row;
	struct err e = {};
	enum status st;

	c->tenant = STORE_TENANT_DEFAULT;
	if (tenant.p == NULL)
		return true;
	c->tenant = tenant;
	st = store_tenant_get(c->env->store, c->a, tenant, &row, &e);
	if (st == ST_NOTFOUND)
		api_problem(c, 404, "there is no such tenant", NULL, "tenant",
			"leave it out for the tenant default");
	else if (st != ST_OK)
		api_fail(c, st, &e);
	return st == ST_OK;
}

void api_run(struct api_call *c)
{
	bool known = false;

	c->code = 200;
	c->out = sbuf_arena(c->a, API_REPLY_BYTES_MAX);
	c->w = json_writer_of(&c->out, 0);
	for (const struct api_route *r = api_routes; r->method != NULL; r++) {
		if (!fits(c, r->path))
			continue;
		known = true;
		if (!str_eq(c->method, str_of(r->method)))
			continue;
		if (read_tenant(c) && read_body(c, r->body))
			r->run(c);
		return;
	}
	if (known)
		api_problem(c, 405, "this method does nothing here", NULL, NULL,
			"docs/openapi.json lists what there is");
	else
		api_problem(c, 404, "there is no such thing",
			arena_str(c->a, c->path).p, NULL,
			"docs/openapi.json lists what there is");
}
