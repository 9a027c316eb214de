/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_report_lint: RFC 8460 section 4 as tables of members: which must be
 * there, and a check for each value. What joins several members (totals, the
 * range, the type of a policy) is a function of its own.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/num.h"
#include "proto/tlsrpt_report.h"
#include "proto/tlsrpt_report_lint.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

#define SCHEMA "RFC 8460 section 4.4"

typedef void check_fn(struct finding_list *out, const struct json *v);

struct member {
	const char *name;
	enum finding_level absent; /* FINDING_NOTE: may be left out */
	check_fn *check;
	const char *remedy; /* when it is absent */
};

/* Names that look right but are not keys of section 4.4. */
static const struct {
	const char *wrong, *right;
} mixed_up[] = {
	{ "mx-host-pattern", "mx-host" },
	{ "receiving-mx-host-name", "receiving-mx-hostname" },
	{ "failure-error-code", "failure-reason-code" },
	{ "additional-info-uri", "additional-information" },
};

static void add(struct finding_list *out, enum finding_level level,
	const struct json *at, const char *remedy, const char *what)
{
	finding_add(
		out, level, at->line, at->column, SCHEMA, remedy, "%s", what);
}

/* As add, about the member at with its value. */
static void add_value(struct finding_list *out, enum finding_level level,
	const struct json *at, const char *remedy, const char *what)
{
	finding_add(out, level, at->line, at->column, SCHEMA, remedy,
		"%s \"%s\" %s", finding_quote(out, at->name),
		finding_quote(out, at->text), what);
}

static bool want(struct finding_list *out, const struct json *v,
	enum json_type type, const char *what)
{
	if (v->type == type)
		return true;
	finding_add(out, FINDING_ERROR, v->line, v->column, SCHEMA, "",
		"%s must be %s", finding_quote(out, v->name), what);
	return false;
}

/* Checks of single values */

static void check_text(struct finding_list *out, const struct json *v)
{
	if (want(out, v, JSON_STRING, "a text") && v->text.n == 0)
		add_value(out, FINDING_WARNING, v,
			"Leave out what is not known.", "is empty");
}

static void check_date(struct finding_list *out, const struct json *v)
{
	struct unix_time t;

	if (!want(out, v, JSON_STRING, "a date-time text"))
		return;
	if (utc_parse(v->text, NULL, &t) != ST_OK)
		add_value(out, FINDING_ERROR, v,
			"Write it as 2026-11-20T00:00:00Z, with its zone.",
			"is no date-time of RFC 3339 section 5.6");
}

static void check_contact(struct finding_list *out, const struct json *v)
{
	if (!want(out, v, JSON_STRING, "a text"))
		return;
	if (!tlsrpt_is_address(v->text))
		add_value(out, FINDING_ERROR, v,
			"Give a plain address such as tls@example.com.",
			"is no mail address (addr-spec)");
}

static void check_report_id(struct finding_list *out, const struct json *v)
{
	check_text(out, v);
	for (size_t i = 0; i < v->text.n; i++) {
		if (v->text.p[i] > ' ' && v->text.p[i] != '<' &&
			v->text.p[i] != '>')
			continue;
		add_value(out, FINDING_WARNING, v,
			"Use letters, digits, '.', '-', '_' and '@': it also "
			"stands in the Subject (section 5.3).",
			"has spaces or angle brackets");
		return;
	}
}

static void check_policy_type(struct finding_list *out, const struct json *v)
{
	enum tlsrpt_policy_type type = tlsrpt_policy_type_of(v->text);

	if (!want(out, v, JSON_STRING, "a text"))
		return;
	if (!str_eq(v->text, str_of(tlsrpt_policy_type_name(type))) ||
		type == TLSRPT_POLICY_OTHER)
		add_value(out, FINDING_ERROR, v,
			"Use one of \"tlsa\", \"sts\", \"no-policy-found\".",
			"is no policy-type");
}

static void check_result(struct finding_list *out, const struct json *v)
{
	enum tlsrpt_result result = tlsrpt_result_of(v->text);

	if (!want(out, v, JSON_STRING, "a text"))
		return;
	if (!str_eq(v->text, str_of(tlsrpt_result_name(result))) ||
		result == TLSRPT_RESULT_OTHER)
		finding_add(out, FINDING_ERROR, v->line, v->column,
			"RFC 8460 section 4.3",
			"Use validation-failure and put the detail into "
			"failure-reason-code.",
			"\"%s\" is no registered result type",
			finding_quote(out, v->text));
}

static void check_count(struct finding_list *out, const struct json *v)
{
	int64_t n;

	if (!want(out, v, JSON_NUMBER, "an integer"))
		return;
	if (json_i64(v, 0, TLSRPT_COUNT_MAX, &n) != ST_OK)
		add_value(out, FINDING_ERROR, v, "",
			"is no integer from 0 to 2^53 - 1 (RFC 7493)");
}

static void check_domain(struct finding_list *out, const struct json *v)
{
	if (!want(out, v, JSON_STRING, "a text"))
		return;
	if (!tlsrpt_is_domain(v->text))
		add_value(out, FINDING_ERROR, v,
			"Write A-labels (RFC 5891 section 2.3), without a dot "
			"at the end.",
			"is no domain in A-label form");
}

static void check_host(struct finding_list *out, const struct json *v)
{
	check_text(out, v);
	if (v->type == JSON_STRING && v->text.n > 0 &&
		!tlsrpt_is_domain(v->text))
		add_value(out, FINDING_WARNING, v, "", "is no host name");
}

static void check_helo(struct finding_list *out, const struct json *v)
{
	check_text(out, v);
	if (str_index(v->text, '\n') >= 0)
		add(out, FINDING_WARNING, v,
			"Give the name alone, not the whole EHLO reply.",
			"receiving-mx-helo has several lines");
}

static void check_ip(struct finding_list *out, const struct json *v)
{
	if (!want(out, v, JSON_STRING, "a text"))
		return;
	if (!tlsrpt_is_ip(v->text))
		add_value(out, FINDING_ERROR, v,
			"Leave it out if it is not known; no brackets, no "
			"zone.",
			"is no IP address");
}

static void check_uri(struct finding_list *out, const struct json *v)
{
	if (!want(out, v, JSON_STRING, "a URI text"))
		return;
	if (!tlsrpt_is_uri(v->text))
		add_value(out, FINDING_ERROR, v,
			"Put prose into failure-reason-code.",
			"is no URI (RFC 3986)");
}

static void check_mx_hosts(struct finding_list *out, const struct json *v)
{
	if (v->type != JSON_ARRAY) {
		finding_add(out, FINDING_ERROR, v->line, v->column,
			"RFC 8460 section 4.4, erratum 6241",
			"Write [\"mx.example.com\"], also for one host.",
			"mx-host must be an array of texts");
		return;
	}
	for (v = v->first; v != NULL; v = v->next)
		if (v->type != JSON_STRING || !tlsrpt_is_mx_pattern(v->text))
			finding_add(out, FINDING_ERROR, v->line, v->column,
				SCHEMA,
				"Write a host name, perhaps with \"*.\" in "
				"front, without \"mx:\".",
				"\"%s\" is no MX host pattern",
				finding_quote(out, v->text));
}

static void check_policy_line(struct finding_list *out, const struct json *v)
{
	const char *remedy = "Write one line of the policy, or one TLSA "
			     "record, per text, without its line end.";

	if (v->type != JSON_STRING)
		finding_add(out, FINDING_ERROR, v->line, v->column,
			"RFC 8460 section 4.5", remedy,
			"policy-string must hold texts only");
	else if (str_index(v->text, '\n') >= 0 ||
		 str_index(v->text, '\r') >= 0 || str_starts(v->text, STR("[")))
		finding_add(out, FINDING_ERROR, v->line, v->column,
			"RFC 8460 section 4.5", remedy,
			"\"%s\" is not one line of a policy",
			finding_quote(out, v->text));
}

static void check_policy_string(struct finding_list *out, const struct json *v)
{
	if (!want(out, v, JSON_ARRAY, "an array of texts"))
		return;
	for (v = v->first; v != NULL; v = v->next)
		check_policy_line(out, v);
}

/* Objects */

static const struct member *find_member(
	const struct member *table, struct str name)
{
	for (; table->name != NULL; table++)
		if (str_eq(name, str_of(table->name)))
			return table;
	return NULL;
}

static void unknown_member(struct finding_list *out, const struct json *v)
{
	for (size_t i = 0; i < sizeof(mixed_up) / sizeof(mixed_up[0]); i++) {
		if (!str_eq(v->name, str_of(mixed_up[i].wrong)))
			continue;
		finding_add(out, FINDING_ERROR, v->line, v->column, SCHEMA, "",
			"the member %s must be called %s", mixed_up[i].wrong,
			mixed_up[i].right);
		return;
	}
	finding_add(out, FINDING_NOTE, v->line, v->column, SCHEMA, "",
		"the member %s is not defined; receivers pass over it",
		finding_quote(out, v->name));
}

static void check_members(struct finding_list *out, const struct json *obj,
	const struct member *table)
{
	const struct member *m;

	for (const struct json *v = obj->first; v != NULL; v = v->next) {
		m = find_member(table, v->name);
		if (m == NULL)
			unknown_member(out, v);
		else
			m->check(out, v);
	}
	for (m = table; m->name != NULL; m++)
		if (m->absent > FINDING_NOTE && json_get(obj, m->name) == NULL)
			finding_add(out, m->absent, obj->line, obj->column,
				SCHEMA, m->remedy, "%s is missing", m->name);
}

static void check_range(struct finding_list *out, const struct json *v)
{
	static const struct member members[] = {
		{ "start-datetime", FINDING_ERROR, check_date, "" },
		{ "end-datetime", FINDING_ERROR, check_date, "" },
		{},
	};
	struct unix_time start, end;

	if (!want(out, v, JSON_OBJECT, "an object"))
		return;
	check_members(out, v, members);
	if (utc_parse(json_get_str(v, "start-datetime"), NULL, &start) !=
			ST_OK ||
		utc_parse(json_get_str(v, "end-datetime"), NULL, &end) != ST_OK)
		return;
	if (end.s < start.s)
		add(out, FINDING_ERROR, v, "",
			"the range ends before it starts");
	else if (start.s % UTC_DAY_S != 0 ||
		 (end.s - start.s != UTC_DAY_S &&
			 end.s - start.s != UTC_DAY_S - 1))
		finding_add(out, FINDING_WARNING, v->line, v->column,
			"RFC 8460 section 4.1",
			"Report from 00:00:00Z to 23:59:59Z of one day.",
			"the range should be one full UTC day");
}

static void check_policy(struct finding_list *out, const struct json *v)
{
	static const struct member members[] = {
		{ "policy-type", FINDING_ERROR, check_policy_type, "" },
		{ "policy-string", FINDING_NOTE, check_policy_string, "" },
		{ "policy-domain", FINDING_ERROR, check_domain,
			"Name the domain even when it has no policy." },
		{ "mx-host", FINDING_NOTE, check_mx_hosts, "" },
		{},
	};
	enum tlsrpt_policy_type type;

	if (!want(out, v, JSON_OBJECT, "an object"))
		return;
	check_members(out, v, members);
	type = tlsrpt_policy_type_of(json_get_str(v, "policy-type"));
	if ((type == TLSRPT_POLICY_STS || type == TLSRPT_POLICY_TLSA) &&
		json_get(v, "policy-string") == NULL)
		finding_add(out, FINDING_WARNING, v->line, v->column,
			"RFC 8460 section 4.5",
			"Give the policy as it was applied, errors and all.",
			"policy-string is missing");
	if (type == TLSRPT_POLICY_STS && json_get(v, "mx-host") == NULL)
		add(out, FINDING_WARNING, v,
			"Give the mx patterns of the policy.",
			"mx-host is missing");
}

static void check_summary(struct finding_list *out, const struct json *v)
{
	static const struct member members[] = {
		{ "total-successful-session-count", FINDING_ERROR, check_count,
			"Write 0 when there are none." },
		{ "total-failure-session-count", FINDING_ERROR, check_count,
			"Write 0 when there are none." },
		{},
	};

	if (want(out, v, JSON_OBJECT, "an object"))
		check_members(out, v, members);
}

static void check_failure(struct finding_list *out, const struct json *v)
{
	static const struct member members[] = {
		{ "result-type", FINDING_ERROR, check_result, "" },
		{ "sending-mta-ip", FINDING_WARNING, check_ip,
			"Name the host: without it nobody can tell which "
			"failed." },
		{ "receiving-mx-hostname", FINDING_NOTE, check_host, "" },
		{ "receiving-mx-helo", FINDING_NOTE, check_helo, "" },
		{ "receiving-ip", FINDING_NOTE, check_ip, "" },
		{ "failed-session-count", FINDING_ERROR, check_count, "" },
		{ "additional-information", FINDING_NOTE, check_uri, "" },
		{ "failure-reason-code", FINDING_NOTE, check_text, "" },
		{},
	};
	enum tlsrpt_result result;

	if (v->type != JSON_OBJECT) {
		add(out, FINDING_ERROR, v, "",
			"failure-details must hold objects only");
		return;
	}
	check_members(out, v, members);
	result = tlsrpt_result_of(json_get_str(v, "result-type"));
	if ((result == TLSRPT_CERTIFICATE_NOT_TRUSTED ||
		    result == TLSRPT_VALIDATION_FAILURE) &&
		json_get(v, "failure-reason-code") == NULL)
		finding_add(out, FINDING_WARNING, v->line, v->column,
			"RFC 8460 section 4.3.1",
			"Say what the TLS library said.",
			"%s should come with a failure-reason-code",
			tlsrpt_result_name(result));
}

static void check_failures(struct finding_list *out, const struct json *v)
{
	if (!want(out, v, JSON_ARRAY, "an array of objects"))
		return;
	for (v = v->first; v != NULL; v = v->next)
		check_failure(out, v);
}

/* The sum of the details, -1 if one of them has no usable count. */
static int64_t failed_in_details(const struct json *details)
{
	int64_t sum = 0, n;

	for (const struct json *v = details->first; v != NULL; v = v->next) {
		if (json_i64(json_get(v, "failed-session-count"), 0,
			    TLSRPT_COUNT_MAX, &n) != ST_OK)
			return -1;
		sum = tlsrpt_count_add(sum, n);
	}
	return sum;
}

/* Section 4.2: a failed session is in at least one detail, perhaps in more. */
static void check_totals(struct finding_list *out, const struct json *v)
{
	const struct json *details = json_get(v, "failure-details");
	int64_t total, sum;

	if (json_i64(json_get(json_get(v, "summary"),
			     "total-failure-session-count"),
		    0, TLSRPT_COUNT_MAX, &total) != ST_OK)
		return;
	sum = details == NULL ? 0 : failed_in_details(details);
	if (sum >= 0 && sum < total)
		finding_add(out, FINDING_WARNING, v->line, v->column,
			"RFC 8460 section 4.3",
			"Describe every failed session.",
			"failure-details account for %lld of %lld failed "
			"sessions",
			(long long)sum, (long long)total);
	if (sum > 0 && total == 0)
		finding_add(out, FINDING_ERROR, v->line, v->column,
			"RFC 8460 section 4.2", "",
			"failure-details describe failures, but "
			"total-failure-session-count is 0");
}

static void check_element(struct finding_list *out, const struct json *v)
{
	static const struct member members[] = {
		{ "policy", FINDING_ERROR, check_policy,
			"Put policy-type and its neighbours into an object "
			"called policy." },
		{ "summary", FINDING_ERROR, check_summary, "" },
		{ "failure-details", FINDING_NOTE, check_failures, "" },
		{},
	};

	if (v->type != JSON_OBJECT) {
		add(out, FINDING_ERROR, v, "",
			"policies must hold objects only");
		return;
	}
	check_members(out, v, members);
	check_totals(out, v);
}

static void check_policies(struct finding_list *out, const struct json *v)
{
	if (!want(out, v, JSON_ARRAY, "an array of objects"))
		return;
	if (v->first == NULL)
		add(out, FINDING_WARNING, v,
			"Send no report when there were no sessions.",
			"policies is empty");
	for (v = v->first; v != NULL; v = v->next)
		check_element(out, v);
}

static void check_report(struct finding_list *out, const struct json *root)
{
	static const struct member members[] = {
		{ "organization-name", FINDING_ERROR, check_text, "" },
		{ "date-range", FINDING_ERROR, check_range, "" },
		{ "contact-info", FINDING_ERROR, check_contact, "" },
		{ "report-id", FINDING_ERROR, check_report_id,
			"Give each report a text of its own." },
		{ "policies", FINDING_ERROR, check_policies, "" },
		{},
	};

	if (root->type == JSON_OBJECT)
		check_members(out, root, members);
	else
		add(out, FINDING_ERROR, root, "",
			"a TLS report is a JSON object");
}

static void check_json(struct finding_list *out, struct json_flags flags)
{
	if (flags.bom)
		finding_add(out, FINDING_ERROR, 1, 1, "RFC 8259 section 8.1",
			"Leave it out.",
			"the text begins with a byte order mark");
	if (flags.bad_utf8)
		finding_add(out, FINDING_ERROR, 0, 0, "RFC 7493 section 2.1",
			"Write all text as UTF-8.",
			"the text has bytes or escapes that are not Unicode");
	if (flags.duplicate_names)
		finding_add(out, FINDING_ERROR, 0, 0, "RFC 7493 section 2.3",
			"Write each member once.",
			"an object has two members of the same name");
}

/* The place and the rest of json_parse's "line L, column C: ...". */
static void syntax_finding(struct finding_list *out, const struct err *e)
{
	struct str rest = str_of(e->text), place = str_cut(&rest, ':');
	struct str line = str_cut(&place, ',');
	uint32_t l = 0, c = 0;

	if (num_u32(str_from(line, sizeof("line ") - 1), 1, UINT32_MAX, &l) !=
			ST_OK ||
		num_u32(str_from(place, sizeof(" column ") - 1), 1, UINT32_MAX,
			&c) != ST_OK)
		rest = str_of(e->text);
	rest = str_trim(rest);
	finding_add(out, FINDING_ERROR, l, c, "RFC 8460 section 4",
		"Write JSON as RFC 8259 and RFC 7493 define it.", "%.*s",
		STR_ARG(rest));
}

enum status tlsrpt_report_lint(struct str text, struct finding_list *out)
{
	struct json_limits limits = { TLSRPT_JSON_DEPTH_MAX,
		TLSRPT_JSON_NODES_MAX };
	struct json_flags flags;
	struct json *root = NULL;
	struct err e = {};
	enum status st;

	if (text.n > TLSRPT_JSON_BYTES_MAX) {
		finding_add(out, FINDING_ERROR, 0, 0, "RFC 8460 section 5.2",
			"Send less at a time.",
			"the report is longer than %u bytes",
			TLSRPT_JSON_BYTES_MAX);
		return ST_LIMIT;
	}
	st = json_parse(out->arena, text, limits, &root, &flags, &e);
	if (st != ST_OK) {
		syntax_finding(out, &e);
		return st == ST_LIMIT ? ST_LIMIT : ST_OK;
	}
	check_json(out, flags);
	check_report(out, root);
	return out->failed ? ST_LIMIT : ST_OK;
}
