/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_grammar: smtp_tls_policy.c and tls_proxy of Postfix 3.4 to 3.11, in
 * the strictest reading of all of them.
 */
#include "proto/host_name.h"
#include "tests/postfix_grammar.h"

#include "base/poison.h"

#define REPLY_MAX 100000u

struct reader {
	struct postfix_policy out;
	size_t n_servername, n_type;
	struct err *why;
};

static enum status bad(struct reader *r, const char *what, struct str where)
{
	return err_set(r->why, ST_INVALID, "%s: \"%.*s\"", what,
		STR_ARG(str_upto(where, 60)));
}

static bool is_one_of(struct str s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (str_eq(s, str_of(*words)))
			return true;
	return false;
}

static bool is_host(struct str s)
{
	return host_name_fault(s) == HOST_NAME_GOOD;
}

/* "*.example.com" as mx_host_pattern and in a policy. */
static bool is_pattern(struct str s)
{
	return is_host(str_starts(s, STR("*.")) ? str_from(s, 2) : s);
}

static enum status read_match(struct reader *r, struct str value)
{
	static const char *const keywords[] = { "nexthop", "dot-nexthop",
		"hostname", NULL };
	struct str rest = value;

	r->out.match = value;
	while (rest.p != NULL) {
		struct str item = str_cut(&rest, ':');
		struct str name = item.n > 1 && item.p[0] == '.'
					  ? str_from(item, 1)
					  : item;

		if (!is_host(name))
			return bad(r, "match", item);
		if (is_one_of(item, keywords))
			return bad(r, "a keyword in match", item);
		r->out.n_match++;
	}
	return ST_OK;
}

/* A line of a policy file, of the kinds that are ours. */
static enum status read_line(struct reader *r, struct str value)
{
	static const char *const fixed[] = { "version: STSv1", "mode: enforce",
		"mode: testing", NULL };
	struct str rest = value, key = str_cut(&rest, ' ');
	bool digits = rest.n > 0 && rest.n <= 10;

	r->out.n_lines++;
	for (size_t i = 0; i < rest.n; i++)
		digits = digits && chr_is_digit(rest.p[i]);
	if (is_one_of(value, fixed) ||
		(str_eq(key, STR("mx:")) && is_pattern(rest)) ||
		(str_eq(key, STR("max_age:")) && digits))
		return ST_OK;
	return bad(r, "policy_string", value);
}

static enum status read_type(struct reader *r, struct str value)
{
	if (r->n_type++ > 0 || !str_eq(value, STR("sts")))
		return bad(r, "policy_type", value);
	r->out.tlsrpt = true;
	return ST_OK;
}

static enum status read_domain(struct reader *r, struct str value)
{
	if (r->out.domain.n > 0 || !is_host(value))
		return bad(r, "policy_domain", value);
	r->out.domain = value;
	return ST_OK;
}

static enum status read_failure(struct reader *r, struct str value)
{
	static const char *const failures[] = { "sts-policy-fetch-error",
		"sts-policy-invalid", "sts-webpki-invalid",
		"validation-failure", NULL };

	if (r->out.failure.n > 0 || !is_one_of(value, failures))
		return bad(r, "policy_failure", value);
	r->out.failure = value;
	return ST_OK;
}

static enum status read_attribute(
	struct reader *r, struct str name, struct str value)
{
	if (str_eq(name, STR("match")) && r->out.match.n == 0)
		return read_match(r, value);
	if (str_eq(name, STR("servername")) && r->n_servername++ == 0 &&
		str_eq(value, STR("hostname")))
		return ST_OK;
	if (str_eq(name, STR("policy_type")))
		return read_type(r, value);
	if (str_eq(name, STR("policy_domain")))
		return read_domain(r, value);
	if (str_eq(name, STR("policy_string")))
		return read_line(r, value);
	if (str_eq(name, STR("policy_failure")))
		return read_failure(r, value);
	if (!str_eq(name, STR("mx_host_pattern")) || !is_pattern(value))
		return bad(r, "attribute", name);
	r->out.n_patterns++;
	return ST_OK;
}

/* "name=value" or "{ name = value }", and moves *rest behind it. */
static enum status read_word(struct reader *r, struct str *rest)
{
	struct str word, value;
	bool braces = str_starts(*rest, STR("{ "));

	if (braces) {
		*rest = str_from(*rest, 2);
		word = str_cut(rest, '}');
		if (rest->p == NULL || !str_ends(word, STR(" ")))
			return bad(r, "braces", word);
		if (rest->n > 0 && rest->p[0] != ' ')
			return bad(r, "behind braces", *rest);
		*rest = rest->n > 0 ? str_from(*rest, 1)
				    : (struct str){ NULL, 0 };
		word = str_upto(word, word.n - 1);
	} else {
		word = str_cut(rest, ' ');
	}
	value = word;
	word = str_cut(&value, '=');
	if (value.p == NULL || value.n == 0)
		return bad(r, "no value", word);
	if (!braces)
		return read_attribute(r, word, value);
	if (!str_ends(word, STR(" ")) || !str_starts(value, STR(" ")))
		return bad(r, "blanks within braces", word);
	return read_attribute(
		r, str_upto(word, word.n - 1), str_from(value, 1));
}

/* What goes with a level, and what needs what. */
static enum status together(struct reader *r)
{
	const struct postfix_policy *p = &r->out;
	bool sts = str_eq(p->level, STR("secure"));
	bool may = str_eq(p->level, STR("may"));
	bool more = p->n_lines > 0 || p->n_patterns > 0 || p->domain.n > 0 ||
		    p->failure.n > 0;

	if (!sts && !may)
		return p->tlsrpt || more || r->n_servername > 0 ||
				       p->n_match > 0
			       ? bad(r, "attributes with level", p->level)
			       : ST_OK;
	if (sts != (p->n_match > 0))
		return bad(r, "match with level", p->level);
	if (more && !p->tlsrpt)
		return bad(r, "no policy_type", p->level);
	if (p->tlsrpt && p->domain.n == 0)
		return bad(r, "no policy_domain", p->level);
	if (sts && p->failure.n > 0)
		return bad(r, "policy_failure would fail", p->level);
	return ST_OK;
}

static enum status read_policy(struct reader *r, struct str text)
{
	static const char *const levels[] = { "secure", "may", "dane",
		"dane-only", NULL };
	enum status st = ST_OK;

	r->out.level = str_cut(&text, ' ');
	if (!is_one_of(r->out.level, levels))
		return bad(r, "level", r->out.level);
	while (text.p != NULL && st == ST_OK)
		st = read_word(r, &text);
	return st == ST_OK ? together(r) : st;
}

enum status postfix_grammar(
	struct str content, struct postfix_policy *out, struct err *why)
{
	struct reader r = { .why = why };
	enum status st = ST_OK;

	if (content.n > REPLY_MAX)
		return bad(&r, "too long", STR(""));
	for (size_t i = 0; i < content.n; i++) {
		unsigned char c = (unsigned char)content.p[i];

		if (c < 0x20 || c > 0x7e || c == ',')
			return bad(&r, "byte", str_from(content, i));
	}
	if (str_starts(content, STR("OK ")))
		st = read_policy(&r, str_from(content, 3));
	else if (!str_eq(content, STR("NOTFOUND ")) &&
		 !str_starts(content, STR("TEMP ")))
		return bad(&r, "status", content);
	if (st == ST_OK)
		*out = r.out;
	return st;
}

size_t postfix_match_count(const struct postfix_policy *p, struct str item)
{
	struct str rest = p->match;
	size_t n = 0;

	while (rest.p != NULL)
		n += str_eq_nocase(str_cut(&rest, ':'), item);
	return n;
}
