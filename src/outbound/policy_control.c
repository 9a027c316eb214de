/* SPDX-License-Identifier: Apache-2.0 */
/* policy_control: a table of routes, a handler for each. */
#include "outbound/policy_control.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "outbound/explain.h"
#include "outbound/policy_json.h"
#include "proto/host_name.h"

#include "base/poison.h"

#define ANSWER_BYTES_MAX (32u << 20)
#define METRICS_BYTES_MAX (1u << 20)
#define PAGE_DEFAULT 1000
#define PAGE_MAX 10000

struct policy_control {
	struct policy_control_parts parts;
};

/* One call on its way through a handler. */
struct request {
	struct policy_control *control;
	struct http_call *call;
	struct str domain;	 /* what stood for D; p == NULL: none */
	const struct json *json; /* the body; NULL: none */
	struct sbuf out;
	struct json_writer w;
};

/* ---- answers */

static void answer(struct request *r, int code)
{
	if (!sbuf_ok(&r->out)) {
		http_call_answer(r->call, 500, STR("application/json"),
			STR("{\"title\":\"the answer is too large\"}"));
		return;
	}
	http_call_answer(r->call, code,
		code < 400 ? STR("application/json")
			   : STR("application/problem+json"),
		sbuf_str(&r->out));
}

static void problem(struct request *r, int code, const char *title,
	const char *detail, const char *remedy)
{
	r->out = sbuf_arena(r->call->arena, ANSWER_BYTES_MAX);
	r->w = json_writer_of(&r->out, 0);
	json_open_object(&r->w, NULL);
	json_put_int(&r->w, "status", code);
	json_put_z(&r->w, "title", title);
	json_put_z(&r->w, "detail", detail);
	if (remedy != NULL)
		json_put_z(&r->w, "remedy", remedy);
	json_close_object(&r->w);
	answer(r, code);
}

static void fail(struct request *r, enum status st, const char *detail)
{
	static const struct {
		enum status st;
		int code;
		const char *title, *remedy;
	} faults[] = {
		{ ST_NOTFOUND, 404, "not found",
			"moat cache list shows what is there, moat explain "
			"DOMAIN looks it up" },
		{ ST_INVALID, 422, "not possible", NULL },
		{ ST_LIMIT, 507, "too much",
			"moat status shows how full the cache is" },
		{ ST_AGAIN, 503, "not now", "try again in a moment" },
		{ ST_TEMP, 503, "not now",
			"try again in a moment; the log of moatd says more" },
		{ ST_PERM, 500, "broken", "the log of moatd says more" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (faults[i].st == st) {
			problem(r, faults[i].code, faults[i].title, detail,
				faults[i].remedy);
			return;
		}
	BUG(true);
}

static void done(struct request *r, const char *what)
{
	json_open_object(&r->w, NULL);
	json_put_str(&r->w, "domain", r->domain);
	json_put_z(&r->w, "done", what);
	json_close_object(&r->w);
	answer(r, 200);
}

/* ---- reading */

static void metrics(struct request *r)
{
	const struct policy_control_parts *p = &r->control->parts;

	r->out = sbuf_arena(r->call->arena, METRICS_BYTES_MAX);
	p->metrics(p->ctx, &r->out);
	BUG(!sbuf_ok(&r->out));
	http_call_answer(r->call, 200,
		STR("text/plain; version=0.0.4; charset=utf-8"),
		sbuf_str(&r->out));
}

static void status(struct request *r)
{
	const struct policy_control_parts *p = &r->control->parts;

	json_open_object(&r->w, NULL);
	json_put_int(&r->w, "now", engine_now(p->engine));
	p->status(p->ctx, &r->w);
	json_close_object(&r->w);
	answer(r, 200);
}

static struct str query(const struct request *r, const char *name)
{
	struct str rest = r->call->req.query;

	while (rest.p != NULL) {
		struct str value = str_cut(&rest, '&');

		if (str_eq(str_cut(&value, '='), str_of(name)))
			return value;
	}
	return (struct str){};
}

static void cache_list(struct request *r)
{
	const struct policy_control_parts *p = &r->control->parts;
	struct str after = query(r, "after"), limit = query(r, "limit");
	struct policy_entry *entries = NULL;
	uint32_t max = PAGE_DEFAULT;
	enum status st;
	size_t n;

	if (limit.p != NULL && num_u32(limit, 1, PAGE_MAX, &max) != ST_OK) {
		fail(r, ST_INVALID, "limit is a number from 1 to 10000");
		return;
	}
	st = policy_cache_list(
		p->cache, r->call->arena, &after, max, &entries, &n);
	if (st != ST_OK) {
		fail(r, st, "the cache cannot be listed");
		return;
	}
	json_open_object(&r->w, NULL);
	json_put_int(&r->w, "now", engine_now(p->engine));
	json_open_array(&r->w, "policies");
	for (size_t i = 0; i < n; i++)
		policy_json_entry(&r->w, NULL, &entries[i],
			engine_in_force(p->engine, &entries[i]), false);
	json_close_array(&r->w);
	if (n == max)
		json_put_str(&r->w, "after", after);
	json_close_object(&r->w);
	answer(r, 200);
}

static void put_rules(struct request *r, struct str domain)
{
	const struct policy_control_parts *p = &r->control->parts;
	struct policy_rule *rules = NULL;
	size_t n = 0;

	if (policy_cache_rules(p->cache, r->call->arena, &rules, &n) != ST_OK)
		n = 0;
	json_open_array(&r->w, "rules");
	for (size_t i = 0; i < n; i++)
		if (domain.p == NULL || str_eq(domain, rules[i].domain))
			policy_json_rule(
				&r->w, NULL, &rules[i], engine_now(p->engine));
	json_close_array(&r->w);
}

static void cache_show(struct request *r)
{
	const struct policy_control_parts *p = &r->control->parts;
	struct policy_entry entry;
	enum status st = policy_cache_get(
		p->cache, r->call->arena, r->domain, &entry);

	if (st != ST_OK) {
		fail(r, st, "no policy of this domain is cached");
		return;
	}
	json_open_object(&r->w, NULL);
	json_put_int(&r->w, "now", engine_now(p->engine));
	policy_json_entry(&r->w, "policy", &entry,
		engine_in_force(p->engine, &entry), true);
	put_rules(r, r->domain);
	json_close_object(&r->w);
	answer(r, 200);
}

static void rule_list(struct request *r)
{
	json_open_object(&r->w, NULL);
	json_put_int(&r->w, "now", engine_now(r->control->parts.engine));
	put_rules(r, (struct str){});
	json_close_object(&r->w);
	answer(r, 200);
}

/* What is cached for the domains that are named. */
static void cache_of(struct request *r)
{
	const struct policy_control_parts *p = &r->control->parts;
	const struct json *v = json_get(r->json, "domains");
	struct policy_entry entry;
	size_t n = 0;

	json_open_object(&r->w, NULL);
	json_put_int(&r->w, "now", engine_now(p->engine));
	json_open_array(&r->w, "policies");
	for (v = v != NULL ? v->first : NULL; v != NULL && n < PAGE_MAX;
		v = v->next, n++)
		if (policy_cache_get(p->cache, r->call->arena, json_str(v),
			    &entry) == ST_OK)
			policy_json_entry(&r->w, NULL, &entry,
				engine_in_force(p->engine, &entry), false);
	json_close_array(&r->w);
	json_close_object(&r->w);
	answer(r, 200);
}

static void trouble_list(struct request *r)
{
	const struct policy_control_parts *p = &r->control->parts;

	json_open_object(&r->w, NULL);
	json_put_int(&r->w, "now", engine_now(p->engine));
	json_open_array(&r->w, "trouble");
	if (p->trouble != NULL)
		trouble_json(p->trouble, &r->w);
	json_close_array(&r->w);
	json_close_object(&r->w);
	answer(r, 200);
}

/* ---- changing */

static void cache_purge(struct request *r)
{
	struct err e = {};
	enum status st = engine_purge(r->control->parts.engine, r->domain, &e);

	if (st == ST_NOTFOUND) {
		fail(r, st, "nothing is known of this domain");
	} else if (st != ST_OK) {
		fail(r, st, e.text);
	} else {
		LOG(LOG_INFO, "control.purged", KV_STR("domain", r->domain),
			KV_INT("by_uid", r->call->uid));
		done(r, "purged");
	}
}

static bool is_profile(const struct policy_control_parts *p, struct str name)
{
	bool found = str_eq(name, STR("*"));

	for (size_t i = 0; i < p->n_profiles; i++)
		found |= str_eq(name, p->profiles[i].name);
	return found;
}

static const char *no_profile(struct request *r)
{
	const struct policy_control_parts *p = &r->control->parts;
	struct sbuf b = sbuf_arena(r->call->arena, ANSWER_BYTES_MAX / 2);

	sbuf_addz(&b, "there is no such profile; there are * for all");
	for (size_t i = 0; i < p->n_profiles; i++) {
		sbuf_addz(&b, ", ");
		sbuf_add(&b, p->profiles[i].name);
	}
	sbuf_addc(&b, '\0');
	return sbuf_ok(&b) ? sbuf_str(&b).p : "there is no such profile";
}

/* The rule in the body; a sentence about what is wrong with it, or NULL. */
static const char *read_rule(struct request *r, struct policy_rule *rule)
{
	const struct json *until = json_get(r->json, "until");
	const struct json *profile = json_get(r->json, "profile");

	*rule = (struct policy_rule){
		.profile = profile == NULL ? STR("*") : json_str(profile),
		.domain = r->domain,
		.reason = json_get_str(r->json, "reason"),
		.set_at = engine_now(r->control->parts.engine),
		.expires = INT64_MAX,
	};
	if (policy_rule_parse(json_get_str(r->json, "rule"), &rule->kind) !=
		ST_OK)
		return "there is no such rule; the rules are off, enforce, "
		       "testing and pin";
	if (!is_profile(&r->control->parts, rule->profile))
		return no_profile(r);
	if (rule->reason.n > POLICY_REASON_BYTES_MAX)
		return "the reason is longer than 512 bytes";
	if (until == NULL || until->type == JSON_NULL)
		return NULL;
	if (json_i64(until, 0, UTC_MAX, &rule->expires) != ST_OK)
		return "until is no time: it is a number of seconds since 1970";
	return rule->expires > rule->set_at ? NULL : "until lies in the past";
}

static void rule_set(struct request *r)
{
	struct policy_rule rule;
	struct err e = {};
	const char *fault = read_rule(r, &rule);
	enum status st;

	if (fault != NULL) {
		fail(r, ST_INVALID, fault);
		return;
	}
	st = engine_rule_set(r->control->parts.engine, &rule, &e);
	if (st != ST_OK) {
		fail(r, st, e.text);
		return;
	}
	LOG(LOG_INFO, "control.rule_set", KV_STR("domain", r->domain),
		KV_STR("profile", rule.profile),
		KV_Z("rule", policy_rule_name(rule.kind)),
		KV_INT("by_uid", r->call->uid), KV_STR("reason", rule.reason));
	json_open_object(&r->w, NULL);
	policy_json_rule(&r->w, "rule", &rule, rule.set_at);
	json_close_object(&r->w);
	answer(r, 200);
}

static void rule_remove(struct request *r)
{
	struct str profile = query(r, "profile");
	struct err e = {};
	enum status st;

	if (profile.p == NULL)
		profile = STR("*");
	st = engine_rule_del(r->control->parts.engine, profile, r->domain, &e);
	if (st == ST_NOTFOUND) {
		problem(r, 404, "not found",
			"there is no rule of that profile for this domain",
			"moat rule list shows the rules there are");
	} else if (st != ST_OK) {
		fail(r, st, e.text);
	} else {
		LOG(LOG_INFO, "control.rule_removed",
			KV_STR("domain", r->domain), KV_STR("profile", profile),
			KV_INT("by_uid", r->call->uid));
		done(r, "removed");
	}
}

/* ---- asking the world */

/* A call whose answer comes later. */
struct waiting {
	struct request request;
	struct explain explain;
};

static void waiting_free(struct waiting *w)
{
	loop_defer(w->request.control->parts.loop, mem_free, w);
}

static void on_cancel(void *ctx)
{
	struct waiting *w = ctx;

	explain_cancel(&w->explain);
	waiting_free(w);
}

static void on_explained(void *ctx, struct str json)
{
	struct waiting *w = ctx;
	struct request *r = &w->request;

	if (json.p == NULL)
		problem(r, 500, "the answer is too large",
			"what was found out about the domain does not fit",
			NULL);
	else
		http_call_answer(r->call, 200, STR("application/json"), json);
	waiting_free(w);
}

static void ask(struct request *r, const struct policy_domain *domain,
	enum engine_how how)
{
	const struct policy_control_parts *p = &r->control->parts;
	struct waiting *w = mem_must(sizeof(*w));

	w->request = *r;
	r->call->cancel = on_cancel;
	r->call->cancel_ctx = w;
	explain_start(&w->explain, p->engine, p->loop, r->call->arena,
		p->profiles, p->n_profiles, domain, how, on_explained, w);
}

static void cache_refresh(struct request *r)
{
	LOG(LOG_INFO, "control.refresh", KV_STR("domain", r->domain),
		KV_INT("by_uid", r->call->uid));
	ask(r, &(struct policy_domain){ r->domain, false, SMTP_PORT },
		ENGINE_FETCH);
}

static void explain(struct request *r)
{
	struct str next_hop = json_get_str(r->json, "next_hop");
	struct policy_domain domain;

	if (policy_domain_parse(r->call->arena, next_hop,
		    r->control->parts.to_ascii, &domain) != ST_OK) {
		problem(r, 422, "no policy domain",
			"mail servers get no policy for addresses, parents of "
			"domains and what is no domain name",
			"name a domain, or [HOST]:PORT as in relayhost");
		return;
	}
	ask(r, &domain, ENGINE_ANEW);
}

/* ---- routes */

struct route {
	const char *method, *path; /* {} stands for a domain name */
	bool body;
	void (*run)(struct request *r);
};

static const struct route routes[] = {
	{ "GET", "/metrics", false, metrics },
	{ "GET", "/v1/status", false, status },
	{ "GET", "/v1/cache", false, cache_list },
	{ "POST", "/v1/cache", true, cache_of },
	{ "GET", "/v1/cache/{}", false, cache_show },
	{ "DELETE", "/v1/cache/{}", false, cache_purge },
	{ "POST", "/v1/cache/{}/refresh", false, cache_refresh },
	{ "GET", "/v1/rules", false, rule_list },
	{ "PUT", "/v1/rules/{}", true, rule_set },
	{ "DELETE", "/v1/rules/{}", false, rule_remove },
	{ "GET", "/v1/trouble", false, trouble_list },
	{ "POST", "/v1/explain", true, explain },
};

/* Does the path fit? *name is what stands for {}. */
static bool fits(struct str path, const char *pattern, struct str *name)
{
	struct str want = str_of(pattern), w, h;

	*name = (struct str){};
	while (want.p != NULL && path.p != NULL) {
		w = str_cut(&want, '/');
		h = str_cut(&path, '/');
		if (str_eq(w, STR("{}")))
			*name = h;
		else if (!str_eq(w, h))
			return false;
	}
	return want.p == NULL && path.p == NULL;
}

static const struct route *find(
	const struct http_request *req, struct str *name, bool *other)
{
	const struct route *r = routes;

	*other = false;
	for (; r < routes + sizeof(routes) / sizeof(*routes); r++) {
		if (!fits(req->path, r->path, name))
			continue;
		if (str_eq(req->method_text, str_of(r->method)))
			return r;
		*other = true;
	}
	return NULL;
}

static void run(struct request *r, const struct route *route, struct str name)
{
	struct json *tree = NULL;
	struct err e = {};

	if (name.p != NULL && host_name_parse(r->call->arena, name, &r->domain,
				      &e) != ST_OK) {
		fail(r, ST_INVALID, e.text);
		return;
	}
	if (route->body &&
		json_parse(r->call->arena, r->call->body, JSON_LIMITS_DEFAULT,
			&tree, NULL, &e) != ST_OK) {
		problem(r, 400, "bad request", e.text, NULL);
		return;
	}
	r->json = tree;
	route->run(r);
}

static struct request request_of(
	struct policy_control *c, struct http_call *call)
{
	return (struct request){
		.control = c,
		.call = call,
		.out = sbuf_arena(call->arena, ANSWER_BYTES_MAX),
	};
}

void policy_control_serve(void *control, struct http_call *call)
{
	struct request r = request_of(control, call);
	const struct route *route;
	struct str name;
	bool other;

	r.w = json_writer_of(&r.out, 0);
	route = find(&call->req, &name, &other);
	if (route != NULL)
		run(&r, route, name);
	else if (other)
		problem(&r, 405, "method not allowed",
			"the path is right, the method is not", NULL);
	else
		problem(&r, 404, "not found", "there is no such path", NULL);
}

void policy_control_serve_metrics(void *control, struct http_call *call)
{
	struct request r = request_of(control, call);

	r.w = json_writer_of(&r.out, 0);
	if (!str_eq(call->req.path, STR("/metrics")))
		problem(&r, 404, "not found", "only /metrics is here", NULL);
	else if (call->req.method != HTTP_GET && call->req.method != HTTP_HEAD)
		problem(&r, 405, "method not allowed",
			"metrics can only be read", NULL);
	else
		metrics(&r);
}

struct policy_control *policy_control_new(
	const struct policy_control_parts *parts)
{
	struct policy_control *c = mem_must(sizeof(*c));

	c->parts = *parts;
	return c;
}

void policy_control_free(struct policy_control **c)
{
	mem_free(*c);
	*c = NULL;
}
