/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_report_read: RFC 8460 section 4 as senders really write it. Reports
 * cannot be asked for again, so whatever can be understood is understood, and
 * noted. Only what is no report at all, or breaks a cap, is refused.
 *
 * The reader's status is sticky: after a failure everything else does nothing.
 *
 * The file is long because the deviations are many: one function per member of
 * the report, from the innermost out, and nothing in it is worth a second file.
 */
#include "base/num.h"
#include "base/vec.h"
#include "proto/tlsrpt_report.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

struct reader {
	struct arena *arena;
	struct tlsrpt_report *report;
	const struct tlsrpt_hints *hints;
	size_t failures; /* in all policies */
	enum status st;
	struct err *err;
};

static void fail(struct reader *r, const struct json *v, const char *what)
{
	if (r->st != ST_OK)
		return;
	r->st = err_set(r->err, ST_LIMIT, "line %u, column %u: %s",
		v == NULL ? 1 : v->line, v == NULL ? 1 : v->column, what);
}

static void no_memory(struct reader *r, const struct json *v)
{
	fail(r, v, "the report needs too much memory");
}

static void note(
	struct reader *r, enum tlsrpt_quirk quirk, const struct json *v)
{
	struct tlsrpt_deviation d = { quirk, v == NULL ? 0 : v->line,
		v == NULL ? 0 : v->column };

	if (r->report->deviations.n == TLSRPT_QUIRKS_MAX)
		return;
	if (!VEC_PUSH(r->arena, &r->report->deviations, d))
		no_memory(r, v);
}

/* Text members */

static struct str copy(struct reader *r, struct str s, const struct json *v)
{
	struct str out = arena_str(r->arena, s);

	if (out.p == NULL)
		no_memory(r, v);
	return out;
}

/* At most TLSRPT_TEXT_MAX bytes, cut between characters. */
static struct str capped(struct reader *r, struct str s, const struct json *v)
{
	size_t n = TLSRPT_TEXT_MAX;

	if (s.n <= n)
		return s;
	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	note(r, TLSRPT_QUIRK_TEXT_CUT, v);
	return str_trim(str_upto(s, n));
}

/* The text of v; absent (p == NULL) if v is, or is null, empty or no text. */
static struct str text_of(struct reader *r, const struct json *v)
{
	struct str s;

	if (v == NULL)
		return (struct str){};
	s = str_trim(v->text);
	if (v->type == JSON_NULL || (v->type == JSON_STRING && s.n == 0)) {
		note(r, TLSRPT_QUIRK_EMPTY_MEMBER, v);
		return (struct str){};
	}
	if (v->type != JSON_STRING) {
		note(r, TLSRPT_QUIRK_WRONG_TYPE, v);
		/* A number is as good as its digits: a numeric report-id. */
		return v->type == JSON_NUMBER ? capped(r, v->text, v)
					      : (struct str){};
	}
	return capped(r, s, v);
}

/* The member called name, or else the one of a name senders mix it up with. */
static const struct json *either(struct reader *r, const struct json *obj,
	const char *name, const char *other, enum tlsrpt_quirk quirk)
{
	const struct json *v = json_get(obj, name);

	if (v != NULL)
		return v;
	v = json_get(obj, other);
	if (v != NULL)
		note(r, quirk, v);
	return v;
}

static void push(struct reader *r, struct tlsrpt_strings *list, struct str s,
	const struct json *v)
{
	if (list->n == TLSRPT_STRINGS_MAX)
		fail(r, v, "too many texts in one array");
	else if (!VEC_PUSH(r->arena, list, s))
		no_memory(r, v);
}

/* Session counts */

static bool count_from_text(struct str s, int64_t *out)
{
	return num_i64(s, 0, TLSRPT_COUNT_MAX, out) == ST_OK;
}

/* "3.0", or what else has digits on both sides of a point. */
static bool count_from_float(struct str s, int64_t *out)
{
	struct str whole = str_cut(&s, '.');

	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_digit(s.p[i]))
			return false;
	return s.n > 0 && count_from_text(whole, out);
}

static int64_t count(struct reader *r, const struct json *obj, const char *name,
	int64_t missing)
{
	const struct json *v = json_get(obj, name);
	int64_t n = missing;

	if (v == NULL || v->type == JSON_NULL) {
		note(r, TLSRPT_QUIRK_COUNT_MISSING, v == NULL ? obj : v);
	} else if (v->type == JSON_STRING &&
		   count_from_text(str_trim(v->text), &n)) {
		note(r, TLSRPT_QUIRK_COUNT_STRING, v);
	} else if (v->type == JSON_NUMBER && count_from_float(v->text, &n)) {
		note(r, TLSRPT_QUIRK_COUNT_FLOAT, v);
	} else if (v->type != JSON_NUMBER || !count_from_text(v->text, &n)) {
		note(r, TLSRPT_QUIRK_COUNT_INVALID, v);
	}
	return n;
}

/* One failure */

static struct str ip(struct reader *r, const struct json *obj, const char *name)
{
	const struct json *v = json_get(obj, name);
	struct str s = text_of(r, v), bare = tlsrpt_ip_undecorated(s);

	if (s.p == NULL)
		return s;
	if (!tlsrpt_is_ip(bare)) {
		note(r, TLSRPT_QUIRK_IP_INVALID, v);
		return s;
	}
	if (bare.n != s.n)
		note(r, TLSRPT_QUIRK_IP_DECORATED, v);
	return bare;
}

/* Postfix reports the whole EHLO reply; its first line names the host. */
static struct str helo(struct reader *r, const struct json *obj)
{
	const struct json *v = json_get(obj, "receiving-mx-helo");
	struct str rest = text_of(r, v), line = rest;

	if (rest.p == NULL || str_index(rest, '\n') < 0)
		return rest;
	note(r, TLSRPT_QUIRK_HELO_LINES, v);
	while (rest.p != NULL) {
		line = str_cut(&rest, '\n');
		if (str_ends(line, STR("\r")))
			line.n--;
		line = str_trim(line);
		if (line.n > 0)
			return line;
	}
	return (struct str){};
}

static struct str information(struct reader *r, const struct json *obj)
{
	const struct json *v = either(r, obj, "additional-information",
		"additional-info-uri", TLSRPT_QUIRK_INFO_KEY);
	struct json_writer w;
	struct sbuf b;
	struct str s;

	if (v != NULL && (v->type == JSON_OBJECT || v->type == JSON_ARRAY)) {
		note(r, TLSRPT_QUIRK_INFO_OBJECT, v);
		b = sbuf_arena(r->arena, TLSRPT_JSON_BYTES_MAX);
		w = json_writer_of(&b, 0);
		json_put_tree(&w, NULL, v);
		if (!sbuf_ok(&b))
			no_memory(r, v);
		return capped(r, sbuf_str(&b), v);
	}
	s = text_of(r, v);
	if (s.p != NULL && !tlsrpt_is_uri(s))
		note(r, TLSRPT_QUIRK_INFO_NO_URI, v);
	return s;
}

static void result(
	struct reader *r, const struct json *obj, struct tlsrpt_failure *f)
{
	const struct json *v = json_get(obj, "result-type");
	struct str s = text_of(r, v);

	f->result = tlsrpt_result_of(s);
	if (s.p == NULL) {
		note(r, TLSRPT_QUIRK_RESULT_MISSING, obj);
		f->result = TLSRPT_VALIDATION_FAILURE;
	}
	if (f->result == TLSRPT_RESULT_OTHER) {
		note(r, TLSRPT_QUIRK_RESULT_UNKNOWN, v);
		f->result_text = s;
		return;
	}
	f->result_text = str_of(tlsrpt_result_name(f->result));
	if (s.p != NULL && !str_eq(s, f->result_text))
		note(r, TLSRPT_QUIRK_RESULT_CASE, v);
}

static void failure(
	struct reader *r, const struct json *obj, struct tlsrpt_policy *p)
{
	struct tlsrpt_failure f = {};

	if (obj->type != JSON_OBJECT) {
		note(r, TLSRPT_QUIRK_WRONG_TYPE, obj);
		return;
	}
	if (++r->failures > TLSRPT_FAILURES_MAX) {
		fail(r, obj, "too many failure-details in one report");
		return;
	}
	result(r, obj, &f);
	f.sending_mta_ip = ip(r, obj, "sending-mta-ip");
	f.receiving_ip = ip(r, obj, "receiving-ip");
	f.receiving_mx_hostname = text_of(
		r, either(r, obj, "receiving-mx-hostname",
			   "receiving-mx-host-name",
			   TLSRPT_QUIRK_RECEIVING_MX_KEY));
	f.receiving_mx_helo = helo(r, obj);
	f.additional_information = information(r, obj);
	f.failure_reason_code = text_of(
		r, either(r, obj, "failure-reason-code", "failure-error-code",
			   TLSRPT_QUIRK_REASON_KEY));
	/* A detail that was written down happened at least once. */
	f.failed_sessions = count(r, obj, "failed-session-count", 1);
	if (!VEC_PUSH(r->arena, &p->failures, f))
		no_memory(r, obj);
}

static void failures(
	struct reader *r, const struct json *v, struct tlsrpt_policy *p)
{
	const struct json *at;
	int64_t sum = 0;

	if (v == NULL || v->type == JSON_NULL)
		return;
	if (v->type == JSON_OBJECT) {
		note(r, TLSRPT_QUIRK_FAILURES_OBJECT, v);
		failure(r, v, p);
	} else if (v->type != JSON_ARRAY) {
		note(r, TLSRPT_QUIRK_WRONG_TYPE, v);
	} else {
		for (at = v->first; at != NULL && r->st == ST_OK; at = at->next)
			failure(r, at, p);
	}
	for (size_t i = 0; i < p->failures.n; i++)
		sum = tlsrpt_count_add(
			sum, p->failures.items[i].failed_sessions);
	if (sum > p->failed_sessions)
		note(r, TLSRPT_QUIRK_FAILURES_SUM, v);
}

/* One policy */

static void policy_type(
	struct reader *r, const struct json *obj, struct tlsrpt_policy *p)
{
	const struct json *v = json_get(obj, "policy-type");
	struct str s = text_of(r, v);

	p->type = tlsrpt_policy_type_of(s);
	p->type_text = s;
	if (s.p == NULL) {
		note(r, TLSRPT_QUIRK_POLICY_TYPE_MISSING, obj);
		return;
	}
	if (p->type == TLSRPT_POLICY_OTHER) {
		note(r, TLSRPT_QUIRK_POLICY_TYPE_UNKNOWN, v);
		return;
	}
	p->type_text = str_of(tlsrpt_policy_type_name(p->type));
	if (!str_eq(s, p->type_text))
		note(r, TLSRPT_QUIRK_POLICY_TYPE_CASE, v);
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

static void policy_line(struct reader *r, struct str s, const struct json *v,
	struct tlsrpt_policy *p)
{
	ptrdiff_t colon;

	s = str_trim(s);
	if (s.n > 0 && is_line_end(s.p[s.n - 1]))
		note(r, TLSRPT_QUIRK_POLICY_STRING_CR, v);
	while (s.n > 0 && is_line_end(s.p[s.n - 1]))
		s = str_trim(str_upto(s, s.n - 1));
	if (s.n == 0)
		return;
	colon = str_index(s, ':');
	if (p->type == TLSRPT_POLICY_STS && colon >= 0 &&
		(size_t)colon + 1 < s.n && s.p[colon + 1] != ' ')
		note(r, TLSRPT_QUIRK_POLICY_STRING_NO_SPACE, v);
	push(r, &p->lines, capped(r, s, v), v);
}

/* One text of policy-string: a line, or (Microsoft) a JSON array of lines. */
static void policy_text(struct reader *r, struct str s, const struct json *v,
	struct tlsrpt_policy *p)
{
	struct json_limits limits = { 1, TLSRPT_STRINGS_MAX };
	struct json *list = NULL;

	s = str_trim(s);
	if (!str_starts(s, STR("[")) ||
		json_parse(r->arena, s, limits, &list, NULL, NULL) != ST_OK) {
		policy_line(r, s, v, p);
		return;
	}
	note(r, TLSRPT_QUIRK_POLICY_STRING_JSON, v);
	for (const struct json *at = list->first; at != NULL; at = at->next)
		policy_text(r, at->text, v, p);
}

static void policy_string(
	struct reader *r, const struct json *v, struct tlsrpt_policy *p)
{
	struct str rest = str_trim(json_str(v));
	const struct json *at;

	if (v == NULL)
		return;
	if (rest.n > 0) {
		note(r, TLSRPT_QUIRK_POLICY_STRING_STRING, v);
		if (str_starts(rest, STR("[")))
			policy_text(r, rest, v, p);
		else
			while (rest.p != NULL)
				policy_line(r, str_cut(&rest, '\n'), v, p);
		return;
	}
	if (v->type != JSON_ARRAY) {
		(void)text_of(r, v); /* for its note */
		return;
	}
	for (at = v->first; at != NULL && r->st == ST_OK; at = at->next) {
		if (at->type == JSON_STRING)
			policy_text(r, at->text, at, p);
		else
			note(r, TLSRPT_QUIRK_WRONG_TYPE, at);
	}
}

static struct str domain(struct reader *r, struct str s, const struct json *v)
{
	bool changed = false;
	char *p;

	while (str_ends(s, STR("."))) {
		s = str_trim(str_upto(s, s.n - 1));
		changed = true;
	}
	p = arena_alloc(r->arena, s.n + 1);
	if (p == NULL) {
		no_memory(r, v);
		return (struct str){};
	}
	for (size_t i = 0; i < s.n; i++) {
		p[i] = chr_lower(s.p[i]);
		changed |= p[i] != s.p[i];
	}
	if (changed)
		note(r, TLSRPT_QUIRK_DOMAIN_SPELLING, v);
	if (!tlsrpt_is_domain((struct str){ p, s.n }))
		note(r, TLSRPT_QUIRK_DOMAIN_INVALID, v);
	return s.n == 0 ? (struct str){} : (struct str){ p, s.n };
}

static void policy_domain(
	struct reader *r, const struct json *obj, struct tlsrpt_policy *p)
{
	const struct json *v = json_get(obj, "policy-domain");
	struct str s = text_of(r, v);

	if (s.p == NULL) {
		note(r, TLSRPT_QUIRK_DOMAIN_MISSING, obj);
		if (r->hints == NULL || r->hints->domain.n == 0)
			return;
		s = r->hints->domain;
	}
	p->domain = domain(r, s, v);
}

static void mx_host(
	struct reader *r, const struct json *v, struct tlsrpt_policy *p)
{
	struct str s = text_of(r, v);

	while (str_eq_nocase(str_upto(s, 3), STR("mx:"))) {
		note(r, TLSRPT_QUIRK_MX_HOST_PREFIX, v);
		s = str_trim(str_from(s, 3));
	}
	if (s.n > 0)
		push(r, &p->mx_hosts, s, v);
}

static void mx_hosts(
	struct reader *r, const struct json *obj, struct tlsrpt_policy *p)
{
	const struct json *v = either(
		r, obj, "mx-host", "mx-host-pattern", TLSRPT_QUIRK_MX_HOST_KEY);

	if (v == NULL)
		return;
	if (v->type != JSON_ARRAY) {
		if (v->type == JSON_STRING)
			note(r, TLSRPT_QUIRK_MX_HOST_STRING, v);
		mx_host(r, v, p);
		return;
	}
	for (v = v->first; v != NULL && r->st == ST_OK; v = v->next)
		mx_host(r, v, p);
}

/* The object of that name inside obj; obj itself when it was not wrapped. */
static const struct json *wrapped(
	struct reader *r, const struct json *obj, const char *name)
{
	const struct json *v = json_get(obj, name);

	if (v != NULL && v->type == JSON_OBJECT)
		return v;
	note(r, TLSRPT_QUIRK_POLICY_UNWRAPPED, obj);
	return obj;
}

static void policy(struct reader *r, const struct json *obj)
{
	struct tlsrpt_policy p = {};
	const struct json *v;

	if (obj->type != JSON_OBJECT) {
		note(r, TLSRPT_QUIRK_WRONG_TYPE, obj);
		return;
	}
	if (r->report->policies.n == TLSRPT_POLICIES_MAX) {
		fail(r, obj, "too many policies in one report");
		return;
	}
	v = wrapped(r, obj, "policy");
	policy_type(r, v, &p);
	policy_string(r, json_get(v, "policy-string"), &p);
	policy_domain(r, v, &p);
	mx_hosts(r, v, &p);
	v = json_get(obj, "summary") == NULL ? obj : wrapped(r, obj, "summary");
	p.successful_sessions = count(
		r, v, "total-successful-session-count", 0);
	p.failed_sessions = count(r, v, "total-failure-session-count", 0);
	failures(r, json_get(obj, "failure-details"), &p);
	if (!VEC_PUSH(r->arena, &r->report->policies, p))
		no_memory(r, obj);
}

/* The report */

static void policies(struct reader *r, const struct json *v)
{
	if (v->type == JSON_OBJECT) {
		note(r, TLSRPT_QUIRK_POLICIES_OBJECT, v);
		policy(r, v);
		return;
	}
	if (v->first == NULL)
		note(r, TLSRPT_QUIRK_POLICIES_EMPTY, v);
	for (v = v->first; v != NULL && r->st == ST_OK; v = v->next)
		policy(r, v);
}

static bool date(struct reader *r, const struct json *range, const char *name,
	struct unix_time *out)
{
	const struct json *v = json_get(range, name);
	struct str s = text_of(r, v);
	struct unix_time t;
	bool zoned = true;

	if (s.p == NULL) {
		note(r, TLSRPT_QUIRK_DATE_MISSING, range);
		return false;
	}
	if (utc_parse(s, &zoned, &t) != ST_OK || t.s < UTC_MIN ||
		t.s > UTC_MAX) {
		note(r, TLSRPT_QUIRK_DATE_INVALID, v);
		return false;
	}
	if (!zoned)
		note(r, TLSRPT_QUIRK_DATE_NO_ZONE, v);
	*out = t;
	return true;
}

static void date_range(struct reader *r, const struct json *range)
{
	struct tlsrpt_report *rep = r->report;
	int64_t length;

	rep->has_start = date(r, range, "start-datetime", &rep->start);
	rep->has_end = date(r, range, "end-datetime", &rep->end);
	if (!rep->has_start || !rep->has_end)
		return;
	length = rep->end.s - rep->start.s;
	if (length < 0)
		note(r, TLSRPT_QUIRK_END_BEFORE_START, range);
	else if (rep->start.s % UTC_DAY_S != 0 ||
		 (length != UTC_DAY_S && length != UTC_DAY_S - 1))
		note(r, TLSRPT_QUIRK_NOT_ONE_DAY, range);
	else if (length == UTC_DAY_S)
		note(r, TLSRPT_QUIRK_END_MIDNIGHT, range);
}

static void contact(struct reader *r, const struct json *root)
{
	const struct json *v = json_get(root, "contact-info");
	struct str s = text_of(r, v);

	if (s.p == NULL) {
		note(r, TLSRPT_QUIRK_CONTACT_MISSING, v);
		return;
	}
	while (str_eq_nocase(str_upto(s, 7), STR("mailto:"))) {
		note(r, TLSRPT_QUIRK_CONTACT_MAILTO, v);
		s = str_trim(str_from(s, 7));
	}
	if (!tlsrpt_is_address(s))
		note(r, TLSRPT_QUIRK_CONTACT_NO_ADDRESS, v);
	if (s.n > 0)
		r->report->contact = s;
}

static void report_id(struct reader *r, const struct json *root)
{
	const struct json *v = json_get(root, "report-id");
	struct str s = text_of(r, v);

	r->report->id = s;
	if (s.p == NULL) {
		note(r, TLSRPT_QUIRK_REPORT_ID_MISSING, root);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] > ' ' && s.p[i] != '<' && s.p[i] != '>')
			continue;
		note(r, TLSRPT_QUIRK_REPORT_ID_ODD, v);
		return;
	}
}

static void organization(struct reader *r, const struct json *root)
{
	r->report->organization = text_of(
		r, json_get(root, "organization-name"));
	if (r->report->organization.p != NULL)
		return;
	note(r, TLSRPT_QUIRK_ORGANIZATION_MISSING, root);
	if (r->hints != NULL && r->hints->submitter.n > 0)
		r->report->organization = copy(r, r->hints->submitter, root);
}

static void flags(
	struct reader *r, struct json_flags flags, const struct json *root)
{
	if (flags.bom)
		note(r, TLSRPT_QUIRK_BOM, root);
	if (flags.bad_utf8)
		note(r, TLSRPT_QUIRK_BAD_UTF8, root);
	if (flags.duplicate_names)
		note(r, TLSRPT_QUIRK_DUPLICATE_NAME, root);
}

/* Is this a TLS report, and which member holds its policies? */
static enum status find_policies(
	const struct json *root, const struct json **out, struct err *e)
{
	const struct json *v = json_get(root, "policies");

	if (root->type != JSON_OBJECT)
		return err_set(e, ST_INVALID,
			"line %u, column %u: a TLS report is a JSON object "
			"(RFC 8460 section 4.4)",
			root->line, root->column);
	if (v == NULL)
		return err_set(e, ST_INVALID,
			"line %u, column %u: no TLS report: policies is "
			"missing (RFC 8460 section 4)",
			root->line, root->column);
	if (v->type != JSON_ARRAY && v->type != JSON_OBJECT &&
		v->type != JSON_NULL)
		return err_set(e, ST_INVALID,
			"line %u, column %u: policies must be an array "
			"(RFC 8460 section 4)",
			v->line, v->column);
	*out = v;
	return ST_OK;
}

enum status tlsrpt_report_read(struct arena *a, struct str json_text,
	const struct tlsrpt_hints *hints, struct tlsrpt_report **out,
	struct err *e)
{
	struct json_limits limits = { TLSRPT_JSON_DEPTH_MAX,
		TLSRPT_JSON_NODES_MAX };
	struct reader r = { .arena = a, .hints = hints, .err = e };
	const struct json *list = NULL;
	struct json_flags json_flags;
	struct json *root = NULL;
	enum status st;

	if (json_text.n > TLSRPT_JSON_BYTES_MAX)
		return err_set(e, ST_LIMIT,
			"the report is longer than %u bytes",
			TLSRPT_JSON_BYTES_MAX);
	st = json_parse(a, json_text, limits, &root, &json_flags, e);
	if (st == ST_OK)
		st = find_policies(root, &list, e);
	if (st != ST_OK)
		return st;
	r.report = arena_alloc(a, sizeof(*r.report));
	if (r.report == NULL) {
		no_memory(&r, root);
		return r.st;
	}
	flags(&r, json_flags, root);
	contact(&r, root);
	organization(&r, root);
	report_id(&r, root);
	date_range(&r, json_get(root, "date-range"));
	policies(&r, list);
	if (r.st == ST_OK)
		*out = r.report;
	return r.st;
}
