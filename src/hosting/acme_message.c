/* SPDX-License-Identifier: Apache-2.0 */
/* acme_message: reading what the CA says. */
#include <string.h>

#include "hosting/acme_message.h"

#include "base/json.h"
#include "base/num.h"
#include "base/sbuf.h"

#include "base/poison.h"

#define ERROR_PREFIX STR("urn:ietf:params:acme:error:")
#define RAW_SHOWN 300u /* bytes of an answer that is no problem document */

static const struct json_limits limits = { .depth = 12, .nodes = 5000 };

static enum status parse_object(struct arena *a, struct str text,
	const char *what, struct json **out, struct err *e)
{
	enum status st = json_parse(a, text, limits, out, NULL, e);

	if (st == ST_OK && (*out)->type != JSON_OBJECT)
		st = err_set(e, ST_INVALID, "not a JSON object");
	if (st != ST_OK)
		err_prefix(e, "ACME %s", what);
	return st;
}

static enum status missing(struct err *e, const char *what, const char *member)
{
	return err_set(e, ST_INVALID, "ACME %s has no \"%s\" (RFC 8555)", what,
		member);
}

static enum acme_state state_of(struct str s)
{
	static const char *const names[] = { "pending", "ready", "processing",
		"valid", "invalid" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq(s, str_of(names[i])))
			return (enum acme_state)i;
	return ACME_OTHER;
}

static struct unix_time time_of(struct str s)
{
	struct unix_time t = {};

	if (s.n == 0 || utc_parse(s, NULL, &t) != ST_OK)
		t.s = 0;
	return t;
}

/* The strings of an array, at most max of them; others are passed over. */
static enum status read_strings(struct arena *a, const struct json *list,
	size_t max, struct str **out, size_t *n)
{
	size_t count = list == NULL ? 0 : list->count, used = 0;
	struct str *items;

	if (count > max)
		return ST_LIMIT;
	items = arena_array(a, count + 1, sizeof(*items));
	if (items == NULL)
		return ST_LIMIT;
	for (const struct json *v = count == 0 ? NULL : list->first; v != NULL;
		v = v->next)
		if (v->type == JSON_STRING)
			items[used++] = v->text;
	*out = items;
	*n = used;
	return ST_OK;
}

static enum status read_profiles(
	struct arena *a, const struct json *map, struct acme_directory *d)
{
	size_t n = 0;

	if (map == NULL || map->type != JSON_OBJECT)
		return ST_OK;
	if (map->count > ACME_PROFILE_MAX)
		return ST_LIMIT;
	d->profiles = arena_array(a, map->count + 1, sizeof(*d->profiles));
	if (d->profiles == NULL)
		return ST_LIMIT;
	for (const struct json *v = map->first; v != NULL; v = v->next)
		d->profiles[n++] = v->name;
	d->n_profiles = n;
	return ST_OK;
}

enum status acme_directory_parse(struct arena *a, struct str text,
	struct acme_directory *out, struct err *e)
{
	struct acme_directory d = {};
	const struct json *meta;
	struct json *o;
	enum status st = parse_object(a, text, "directory", &o, e);

	if (st != ST_OK)
		return st;
	d.new_nonce = json_get_str(o, "newNonce");
	d.new_account = json_get_str(o, "newAccount");
	d.new_order = json_get_str(o, "newOrder");
	d.renewal_info = json_get_str(o, "renewalInfo");
	if (d.new_nonce.n == 0)
		return missing(e, "directory", "newNonce");
	if (d.new_account.n == 0)
		return missing(e, "directory", "newAccount");
	if (d.new_order.n == 0)
		return missing(e, "directory", "newOrder");
	meta = json_get(o, "meta");
	d.terms = json_get_str(meta, "termsOfService");
	d.needs_eab = json_true(json_get(meta, "externalAccountRequired"));
	if (read_profiles(a, json_get(meta, "profiles"), &d) != ST_OK ||
		read_strings(a, json_get(meta, "caaIdentities"), ACME_CAA_MAX,
			&d.caa, &d.n_caa) != ST_OK)
		return err_set(e, ST_LIMIT, "ACME directory: meta is too long");
	*out = d;
	return ST_OK;
}

/* Appends one problem's words: "for NAME: detail". */
static void add_words(struct sbuf *b, const struct json *p)
{
	struct str host = json_get_str(json_get(p, "identifier"), "value");
	struct str detail = json_get_str(p, "detail");
	struct str title = json_get_str(p, "title");

	if (b->n > 0)
		sbuf_addz(b, "; ");
	if (host.n > 0) {
		sbuf_add(b, host);
		sbuf_addz(b, ": ");
	}
	sbuf_add(b, detail.n > 0 ? detail : title);
}

static void read_problem(
	struct arena *a, const struct json *o, struct acme_problem *out)
{
	struct sbuf b = sbuf_arena(a, ACME_TEXT_MAX);
	const struct json *subs = json_get(o, "subproblems");

	*out = (struct acme_problem){ .type = json_get_str(o, "type") };
	if (out->type.p == NULL)
		out->type = STR("about:blank"); /* RFC 9457 section 3.1.1 */
	add_words(&b, o);
	if (subs != NULL && subs->type == JSON_ARRAY)
		for (const struct json *s = subs->first;
			s != NULL && sbuf_ok(&b); s = s->next)
			add_words(&b, s);
	out->detail = sbuf_str(&b);
}

void acme_problem_parse(struct arena *a, int http_status, struct str text,
	struct acme_problem *out)
{
	struct json *o = NULL;
	struct err ignored = {};

	if (parse_object(a, text, "problem", &o, &ignored) == ST_OK &&
		(json_get_str(o, "type").n > 0 ||
			json_get_str(o, "detail").n > 0)) {
		read_problem(a, o, out);
		return;
	}
	text = str_upto(text, RAW_SHOWN);
	*out = (struct acme_problem){ .detail = arena_fmt(a,
					      "HTTP status %d: %.*s",
					      http_status, STR_ARG(text)) };
}

bool acme_problem_is(const struct acme_problem *p, const char *name)
{
	struct str prefix = ERROR_PREFIX;

	return str_starts(p->type, prefix) &&
	       str_eq(str_from(p->type, prefix.n), str_of(name));
}

static void read_error_member(
	struct arena *a, const struct json *o, struct acme_problem *out)
{
	const struct json *error = json_get(o, "error");

	if (error != NULL && error->type == JSON_OBJECT)
		read_problem(a, error, out);
}

enum status acme_order_parse(struct arena *a, struct str text,
	struct acme_order_info *out, struct err *e)
{
	struct acme_order_info i = {};
	struct json *o;
	enum status st = parse_object(a, text, "order", &o, e);

	if (st != ST_OK)
		return st;
	i.state = state_of(json_get_str(o, "status"));
	i.finalize = json_get_str(o, "finalize");
	i.certificate = json_get_str(o, "certificate");
	i.expires = time_of(json_get_str(o, "expires"));
	if (read_strings(a, json_get(o, "authorizations"), ACME_AUTHZ_MAX,
		    &i.authz, &i.n_authz) != ST_OK)
		return err_set(e, ST_LIMIT, "ACME order: authorizations");
	if (i.finalize.n == 0)
		return missing(e, "order", "finalize");
	if (i.state == ACME_VALID && i.certificate.n == 0)
		return missing(e, "valid order", "certificate");
	read_error_member(a, o, &i.problem);
	*out = i;
	return ST_OK;
}

static enum status read_challenges(
	struct arena *a, const struct json *list, struct acme_authz_info *out)
{
	size_t n = 0;

	if (list == NULL || list->type != JSON_ARRAY)
		return ST_INVALID;
	if (list->count > ACME_CHALLENGE_MAX)
		return ST_LIMIT;
	out->challenges = arena_array(
		a, list->count + 1, sizeof(*out->challenges));
	if (out->challenges == NULL)
		return ST_LIMIT;
	for (const struct json *v = list->first; v != NULL; v = v->next) {
		struct acme_challenge_info *c = &out->challenges[n];

		c->type = json_get_str(v, "type");
		c->url = json_get_str(v, "url");
		c->token = json_get_str(v, "token");
		c->state = state_of(json_get_str(v, "status"));
		read_error_member(a, v, &c->problem);
		if (c->type.n > 0 && c->url.n > 0)
			n++;
	}
	out->n_challenges = n;
	return ST_OK;
}

enum status acme_authz_parse(struct arena *a, struct str text,
	struct acme_authz_info *out, struct err *e)
{
	struct acme_authz_info i = {};
	struct json *o;
	enum status st = parse_object(a, text, "authorization", &o, e);

	if (st != ST_OK)
		return st;
	i.state = state_of(json_get_str(o, "status"));
	i.host = json_get_str(json_get(o, "identifier"), "value");
	i.wildcard = json_true(json_get(o, "wildcard"));
	if (i.host.n == 0)
		return missing(e, "authorization", "identifier");
	if (read_challenges(a, json_get(o, "challenges"), &i) != ST_OK)
		return missing(e, "authorization", "challenges");
	*out = i;
	return ST_OK;
}

enum status acme_renewal_parse(struct arena *a, struct str text,
	struct acme_renewal_info *out, struct err *e)
{
	struct acme_renewal_info i = {};
	const struct json *window;
	struct json *o;
	enum status st = parse_object(a, text, "renewalInfo", &o, e);

	if (st != ST_OK)
		return st;
	window = json_get(o, "suggestedWindow");
	i.start = time_of(json_get_str(window, "start"));
	i.end = time_of(json_get_str(window, "end"));
	i.explanation = json_get_str(o, "explanationURL");
	/* RFC 9773 section 4.2: an end that is not after the start is void. */
	if (i.start.s == 0 || i.end.s <= i.start.s)
		return err_set(e, ST_INVALID,
			"ACME renewalInfo has no usable suggestedWindow "
			"(RFC 9773 section 4.2)");
	*out = i;
	return ST_OK;
}

enum status acme_account_parse(struct arena *a, struct str text,
	struct str *account_status, struct err *e)
{
	struct json *o;
	enum status st = parse_object(a, text, "account", &o, e);
	struct str s;

	if (st != ST_OK)
		return st;
	s = json_get_str(o, "status");
	if (s.n == 0)
		return missing(e, "account", "status");
	*account_status = s;
	return ST_OK;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). */
static enum status fixdate_parse(struct str s, struct unix_time *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct utc_date d = {};
	uint32_t day, year, h, m, sec;

	if (s.n != 29 || !str_ends(s, STR(" GMT")) ||
		num_u32(str_upto(str_from(s, 5), 2), 1, 31, &day) != ST_OK ||
		num_u32(str_upto(str_from(s, 12), 4), 1970, 9999, &year) !=
			ST_OK ||
		num_u32(str_upto(str_from(s, 17), 2), 0, 23, &h) != ST_OK ||
		num_u32(str_upto(str_from(s, 20), 2), 0, 59, &m) != ST_OK ||
		num_u32(str_upto(str_from(s, 23), 2), 0, 60, &sec) != ST_OK)
		return ST_INVALID;
	for (int i = 0; i < 12; i++)
		if (memcmp(months + 3 * i, s.p + 8, 3) == 0)
			d.month = i + 1;
	d.year = (int)year;
	d.day = (int)day;
	d.hour = (int)h;
	d.minute = (int)m;
	d.second = sec == 60 ? 59 : (int)sec;
	return utc_time_of(d, out);
}

int64_t acme_retry_after(struct str value, struct unix_time now,
	int64_t fallback, int64_t min, int64_t max)
{
	struct unix_time at;
	int64_t s = fallback;

	if (fixdate_parse(value, &at) == ST_OK)
		s = at.s - now.s;
	else if (num_i64(value, 0, INT64_MAX / 2, &s) != ST_OK)
		s = fallback;
	return s < min ? min : s > max ? max : s;
}
