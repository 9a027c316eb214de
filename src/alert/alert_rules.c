/* SPDX-License-Identifier: Apache-2.0 */
/* alert_rules: one function per rule. */
#include "alert/alert_rules.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/sbuf.h"
#include "base/vec.h"
#include "proto/tlsrpt_report.h"

#include "base/poison.h"

#define WHAT_BYTES_MAX 1000u
#define NAMED_MAX 3u /* reporters that a sentence names */
#define OTHER STR("other")

struct run {
	const struct alert_rules *r;
	struct arena *a;
	const struct store_alert_facts *f;
	int64_t now;
	struct alert_findings out;
};

/* Text of strangers: printable ASCII, and not too much of it. */
static struct str tame(struct arena *a, struct str s)
{
	struct sbuf b = sbuf_arena(a, 4 * ALERT_ITEM_BYTES_MAX + 4);

	sbuf_escaped(&b, str_upto(s, ALERT_ITEM_BYTES_MAX));
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

static void add(struct run *x, enum store_alert_kind kind, struct str item,
	const struct sbuf *what)
{
	struct alert_finding f = { kind, item, sbuf_str(what) };

	if (x->out.n < ALERT_FINDINGS_MAX)
		BUG(!VEC_PUSH(x->a, &x->out, f));
}

static enum store_alert_kind kind_of(struct str type)
{
	static const struct {
		const char *type;
		enum store_alert_kind kind;
	} kinds[] = {
		{ "starttls-not-supported", STORE_ALERT_STARTTLS },
		{ "sts-policy-fetch-error", STORE_ALERT_POLICY_HOST },
		{ "sts-policy-invalid", STORE_ALERT_POLICY_HOST },
		{ "sts-webpki-invalid", STORE_ALERT_POLICY_HOST },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(type, str_of(kinds[i].type)))
			return kinds[i].kind;
	return STORE_ALERT_FAILURE;
}

static bool is_known(struct str type)
{
	return tlsrpt_result_of(type) != TLSRPT_RESULT_OTHER;
}

/* Types that nobody knows are one matter: a stranger may make up thousands. */
static bool is_same(struct str type, struct str other)
{
	return str_eq(type, other) || (!is_known(type) && !is_known(other));
}

/* Has a failure before the i-th the same type? Then it was told already. */
static bool is_told(const struct store_alert_failure *f, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_same(f[j].result_type, f[i].result_type))
			return true;
	return false;
}

/* "certificate-expired", or what stands for all that is not known. */
static struct str name_of(struct run *x, struct str type)
{
	return is_known(type) ? type
			      : arena_fmt(x->a, "%.*s (not of RFC 8460)",
					STR_ARG(tame(x->a, type)));
}

/* The reporters of a sentence, the first of them by name. */
struct names {
	struct sbuf text;
	size_t n;
};

static struct names names_new(struct arena *a)
{
	return (struct names){ .text = sbuf_arena(a, WHAT_BYTES_MAX) };
}

static void add_name(struct names *who, struct arena *a, struct str name)
{
	if (who->n++ >= NAMED_MAX)
		return;
	sbuf_addz(&who->text, who->n > 1 ? ", " : "");
	sbuf_add(&who->text, tame(a, name));
}

/* "google.com, yahoo.com (2 of 3 reporters)". */
static void write_names(struct sbuf *b, const struct names *who, size_t of)
{
	sbuf_add(b, sbuf_str(&who->text));
	sbuf_fmt(b, "%s (%zu of %zu reporters)",
		who->n > NAMED_MAX ? " and others" : "", who->n, of);
}

/* "certificate-expired in 4 sessions, reported by google.com (1 of ...". */
static void add_type(struct run *x, struct str type)
{
	struct sbuf what = sbuf_arena(x->a, WHAT_BYTES_MAX);
	const struct store_alert_facts *f = x->f;
	struct names who = names_new(x->a);
	int64_t sessions = 0;

	for (size_t i = 0; i < f->n_failures; i++) {
		if (!is_same(f->failures[i].result_type, type))
			continue;
		sessions += f->failures[i].sessions;
		add_name(&who, x->a, f->failures[i].reporter);
	}
	sbuf_fmt(&what, "%.*s in %lld session%s, reported by ",
		STR_ARG(name_of(x, type)), (long long)sessions,
		sessions == 1 ? "" : "s");
	write_names(&what, &who, f->n_reporters);
	add(x, kind_of(type), is_known(type) ? type : OTHER, &what);
}

static void run_types(struct run *x)
{
	for (size_t i = 0; i < x->f->n_failures; i++)
		if (!is_told(x->f->failures, i))
			add_type(x, x->f->failures[i].result_type);
}

struct share {
	int64_t sessions, failed;
};

static void add_sessions(struct share *s, const struct store_alert_reporter *r)
{
	s->sessions += r->sessions;
	s->failed += r->failed;
}

static bool is_over(const struct alert_rules *r, struct share s)
{
	return s.sessions >= r->share_sessions && s.failed > 0 &&
	       s.failed * 100 >= s.sessions * r->share;
}

/* Those with too few sessions to be judged alone are judged together. */
static bool are_few_over(struct run *x)
{
	struct share few = {};

	for (size_t i = 0; i < x->f->n_reporters; i++)
		if (x->f->reporters[i].sessions < x->r->share_sessions)
			add_sessions(&few, &x->f->reporters[i]);
	return is_over(x->r, few);
}

/*
 * Each reporter is judged by its own sessions: whoever signs with a name of his
 * own may count as many as he likes, and hides nobody else's.
 */
static void run_share(struct run *x)
{
	struct sbuf what = sbuf_arena(x->a, WHAT_BYTES_MAX);
	const struct store_alert_facts *f = x->f;
	struct names who = names_new(x->a);
	bool few_over = are_few_over(x);
	struct share over = {};

	if (x->r->share == 0)
		return;
	for (size_t i = 0; i < f->n_reporters; i++) {
		const struct store_alert_reporter *r = &f->reporters[i];
		struct share own = { r->sessions, r->failed };
		bool is_few = own.sessions < x->r->share_sessions;

		if (is_few ? few_over && own.failed > 0 : is_over(x->r, own)) {
			add_sessions(&over, r);
			add_name(&who, x->a, r->name);
		}
	}
	if (who.n == 0)
		return;
	sbuf_fmt(&what, "%lld of %lld sessions failed, reported by ",
		(long long)over.failed, (long long)over.sessions);
	write_names(&what, &who, f->n_reporters);
	sbuf_fmt(&what, "; %lld %% is the limit", (long long)x->r->share);
	add(x, STORE_ALERT_SHARE, STR(""), &what);
}

static void run_silent(struct run *x)
{
	for (size_t i = 0; i < x->f->n_reporters; i++) {
		const struct store_alert_reporter *r = &x->f->reporters[i];
		struct sbuf what = sbuf_arena(x->a, WHAT_BYTES_MAX);
		struct str item = tame(x->a, r->name);

		if (x->r->silent_s == 0 || r->days < ALERT_SILENT_DAYS_MIN ||
			x->now - r->received < x->r->silent_s)
			continue;
		sbuf_fmt(&what, "no report from %.*s since ", STR_ARG(item));
		utc_write(&what, (struct unix_time){ r->received });
		add(x, STORE_ALERT_SILENT, item, &what);
	}
}

static void run_unproven(struct run *x)
{
	for (size_t i = 0; i < x->f->n_unproven; i++) {
		const struct store_alert_failure *f = &x->f->unproven[i];
		struct sbuf what = sbuf_arena(x->a, WHAT_BYTES_MAX);
		struct str type = f->result_type;

		sbuf_fmt(&what,
			"%.*s in %lld session%s, by reports that "
			"nothing proves",
			STR_ARG(name_of(x, type)), (long long)f->sessions,
			f->sessions == 1 ? "" : "s");
		add(x, STORE_ALERT_UNPROVEN, is_known(type) ? type : OTHER,
			&what);
	}
}

struct alert_findings alert_rules_run(const struct alert_rules *r,
	struct arena *a, const struct store_alert_facts *f, int64_t now)
{
	struct run x = { .r = r, .a = a, .f = f, .now = now };

	run_types(&x);
	run_share(&x);
	run_unproven(&x);
	run_silent(&x); /* of these there may be many */
	return x.out;
}

struct alert_findings alert_rules_unread(struct arena *a, int64_t n)
{
	struct sbuf what = sbuf_arena(a, WHAT_BYTES_MAX);
	struct run x = { .a = a };

	if (n == 0)
		return x.out;
	sbuf_fmt(&what,
		"reports that could not be read: %lld, listed by moat report "
		"unreadable",
		(long long)n);
	add(&x, STORE_ALERT_UNREAD, STR(""), &what);
	return x.out;
}
