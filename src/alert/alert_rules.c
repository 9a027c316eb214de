/* SPDX-License-Identifier: Apache-2.0 */
/* alert_rules: one function per rule. */
#include "alert/alert_rules.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/sbuf.h"
#include "base/vec.h"

#include "proto/tlsrpt_meaning.h"

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

/* "certificate-expired: 4 sessions, by google.com (1 of 3 reporters)". */
static void add_type(struct run *x, struct str type)
{
	struct sbuf what = sbuf_arena(x->a, WHAT_BYTES_MAX);
	struct sbuf who = sbuf_arena(x->a, WHAT_BYTES_MAX);
	const struct store_alert_facts *f = x->f;
	struct str name = name_of(x, type);
	int64_t sessions = 0;
	size_t n = 0;

	for (size_t i = 0; i < f->n_failures; i++) {
		if (!is_same(f->failures[i].result_type, type))
			continue;
		sessions += f->failures[i].sessions;
		if (n++ >= NAMED_MAX)
			continue;
		sbuf_addz(&who, n > 1 ? ", " : "");
		sbuf_add(&who, tame(x->a, f->failures[i].reporter));
	}
	sbuf_fmt(&what,
		"%.*s in %lld session%s, reported by %.*s%s (%zu of "
		"%zu reporters)",
		STR_ARG(name), (long long)sessions, sessions == 1 ? "" : "s",
		STR_ARG(sbuf_str(&who)), n > NAMED_MAX ? " and others" : "", n,
		f->n_reporters);
	add(x, kind_of(type), is_known(type) ? type : OTHER, &what);
}

static void run_types(struct run *x)
{
	for (size_t i = 0; i < x->f->n_failures; i++)
		if (!is_told(x->f->failures, i))
			add_type(x, x->f->failures[i].result_type);
}

static void run_share(struct run *x)
{
	struct sbuf what = sbuf_arena(x->a, WHAT_BYTES_MAX);
	int64_t sessions = 0, failed = 0;

	for (size_t i = 0; i < x->f->n_reporters; i++) {
		sessions += x->f->reporters[i].sessions;
		failed += x->f->reporters[i].failed;
	}
	if (x->r->share == 0 || sessions < x->r->share_sessions ||
		sessions == 0 || failed < sessions / 100 * x->r->share ||
		failed * 100 < sessions * x->r->share)
		return;
	sbuf_fmt(&what, "%lld of %lld sessions failed, %lld %% is the limit",
		(long long)failed, (long long)sessions, (long long)x->r->share);
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
