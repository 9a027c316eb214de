/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts_decide: RFC 8461 sections 2, 4.1 and 5, RFC 7672 section 2.
 *
 * Two things about names. Postfix and Sendmail match ".suffix" at any depth,
 * the RFC one label only, so that current MX hosts are named where they are
 * known. And a match list has three words that mean other names.
 */
#include <stdlib.h>

#include "base/bug.h"
#include "proto/sts_decide.h"

#include "base/poison.h"

/* Stands where no host may match; nobody has it (RFC 6761 section 6.4). */
#define NOBODY STR("no-mx-host-matches.invalid")

/* A name of a list that is sorted and then put in order again. */
struct item {
	struct str s;
	size_t at;
};

struct items {
	struct item *v;
	size_t n;
};

static const char *const why_words[] = {
	[DECISION_WHY_RULE_OFF] = "rule-off",
	[DECISION_WHY_DANE] = "dane",
	[DECISION_WHY_DANE_PART] = "dane-part",
	[DECISION_WHY_DANE_TEMP] = "dane-temp",
	[DECISION_WHY_STS_ENFORCE] = "sts-enforce",
	[DECISION_WHY_STS_NO_MX] = "sts-no-mx",
	[DECISION_WHY_STS_TESTING] = "sts-testing",
	[DECISION_WHY_STS_NONE] = "sts-none",
	[DECISION_WHY_STS_FAILED] = "sts-failed",
	[DECISION_WHY_STS_PENDING] = "sts-pending",
	[DECISION_WHY_NO_POLICY] = "no-policy",
	[DECISION_WHY_NO_DOMAIN] = "no-domain",
};

const char *decision_why_word(enum decision_why why)
{
	return why_words[why];
}

/* ---- lists of names ---- */

static int by_name(const void *one, const void *other)
{
	const struct item *a = one, *b = other;
	int order = str_cmp(a->s, b->s);

	return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

static int by_place(const void *one, const void *other)
{
	const struct item *a = one, *b = other;

	return (a->at > b->at) - (a->at < b->at);
}

static int by_preference(const void *one, const void *other)
{
	const struct mx_host *const *a = one, *const *b = other;

	if ((*a)->preference != (*b)->preference)
		return (*a)->preference < (*b)->preference ? -1 : 1;
	return str_cmp((*a)->name, (*b)->name);
}

/* The names sorted, each once. */
static enum status sorted(
	struct arena *a, const struct str *names, size_t n, struct items *out)
{
	struct item *v = arena_array(a, n, sizeof(*v));
	size_t kept = 0;

	if (v == NULL)
		return ST_LIMIT;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct item){ names[i], i };
	qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !str_eq(v[kept - 1].s, v[i].s))
			v[kept++] = v[i];
	*out = (struct items){ v, kept };
	return ST_OK;
}

static bool has(const struct items *set, struct str name)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = str_cmp(set->v[mid].s, name);

		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool is_wildcard(struct str pattern)
{
	return str_starts(pattern, STR("*."));
}

/* Is host one label below the domain of a wildcard of the policy? */
static bool matches_wildcard(
	struct arena *a, const struct items *set, struct str host)
{
	ptrdiff_t dot = str_index(host, '.');
	struct str wildcard;

	if (dot <= 0)
		return false;
	wildcard = arena_fmt(a, "*%.*s", STR_ARG(str_from(host, (size_t)dot)));
	return wildcard.p != NULL && has(set, wildcard);
}

/* A match list takes these for what the message or DNS names. */
static bool is_keyword(struct str name)
{
	return str_eq_nocase(name, STR("nexthop")) ||
	       str_eq_nocase(name, STR("dot-nexthop")) ||
	       str_eq_nocase(name, STR("hostname"));
}

/* ---- the match list ---- */

/* The hosts that mail goes to; *n = 0 with NULL: not known. */
static enum status hosts_of(struct arena *a, const struct sts_decide_input *in,
	const struct mx_host ***out, size_t *n)
{
	const struct dane_result *dane = in->dane;
	bool own = in->domain.is_host;
	const struct mx_host **v;
	struct mx_host *self;

	*out = NULL;
	*n = 0;
	if (!own && !dane->mx_known)
		return ST_OK;
	v = arena_array(a, dane->n_mx + 1, sizeof(struct mx_host *));
	self = arena_alloc(a, sizeof(*self));
	if (v == NULL || self == NULL)
		return ST_LIMIT;
	self->name = in->domain.name;
	if (own)
		v[(*n)++] = self;
	for (size_t i = 0; !own && i < dane->n_mx; i++)
		v[(*n)++] = &dane->mx[i];
	qsort(v, *n, sizeof(struct mx_host *), by_preference);
	*out = v;
	return ST_OK;
}

/* What the policy says by itself: names, and wildcards if so wanted. */
static void add_patterns(struct decision *d, bool wildcards, bool *has_wildcard)
{
	for (size_t i = 0; i < d->n_patterns; i++) {
		struct str p = d->patterns[i];

		*has_wildcard = *has_wildcard || is_wildcard(p);
		if (is_wildcard(p) && wildcards)
			d->match[d->n_match++] = str_from(p, 1);
		else if (!is_wildcard(p) && !is_keyword(p))
			d->match[d->n_match++] = p;
	}
}

/* The hosts that only a wildcard lets in; gives how many match at all. */
static size_t add_hosts(struct arena *a, struct decision *d,
	const struct items *set, const struct mx_host **hosts, size_t n)
{
	size_t matching = 0, added = 0;

	for (size_t i = 0; i < n; i++) {
		struct str name = hosts[i]->name;
		bool again = i > 0 && str_eq(hosts[i - 1]->name, name);

		if (has(set, name)) {
			matching++;
		} else if (matches_wildcard(a, set, name)) {
			matching++;
			if (!again && added++ < STS_DECIDE_HOSTS_MAX)
				d->match[d->n_match++] = name;
		}
	}
	return matching;
}

static enum status make_match(struct arena *a,
	const struct sts_decide_input *in, const struct items *set,
	struct decision *d)
{
	const struct mx_host **hosts;
	bool has_wildcard = false;
	size_t n;
	enum status st = hosts_of(a, in, &hosts, &n);

	if (st != ST_OK)
		return st;
	d->match = arena_array(a, d->n_patterns + n + 1, sizeof(*d->match));
	if (d->match == NULL)
		return ST_LIMIT;
	add_patterns(d, hosts == NULL, &has_wildcard);
	if (hosts != NULL && add_hosts(a, d, set, hosts, n) == 0)
		d->why = DECISION_WHY_STS_NO_MX;
	if (d->n_match == 0)
		d->match[d->n_match++] = NOBODY;
	return ST_OK;
}

/* ---- the decision ---- */

/* Puts the policy into d, its patterns each once and in its order. */
static enum status take_policy(struct arena *a, const struct sts_policy *p,
	struct decision *d, struct items *set)
{
	enum status st = sorted(a, p->mx, p->n_mx, set);
	struct item *v;

	if (st != ST_OK)
		return st;
	v = arena_array(a, set->n, sizeof(*v));
	d->patterns = arena_array(a, set->n, sizeof(*d->patterns));
	if (v == NULL || d->patterns == NULL)
		return ST_LIMIT;
	for (size_t i = 0; i < set->n; i++)
		v[i] = set->v[i];
	qsort(v, set->n, sizeof(*v), by_place);
	for (size_t i = 0; i < set->n; i++)
		d->patterns[i] = v[i].s;
	d->n_patterns = set->n;
	d->policy = p;
	return ST_OK;
}

static bool wants_tlsrpt(const struct sts_profile *p)
{
	return p->kind == STS_PROFILE_STS_TLSRPT ||
	       (p->kind == STS_PROFILE_DANE_STS && p->tlsrpt);
}

/* The mode that counts here. */
static enum sts_mode mode_of(const struct sts_decide_input *in)
{
	enum sts_mode mode = in->policy->mode;

	if (mode == STS_MODE_ENFORCE && in->rule == STS_RULE_TESTING)
		return STS_MODE_TESTING;
	if (mode == STS_MODE_TESTING && in->rule != STS_RULE_TESTING &&
		(in->rule == STS_RULE_ENFORCE || in->profile.enforce_testing))
		return STS_MODE_ENFORCE;
	return mode;
}

static bool enforces(const struct sts_decide_input *in)
{
	return in->policy != NULL && mode_of(in) == STS_MODE_ENFORCE;
}

static enum status secure(
	struct arena *a, const struct sts_decide_input *in, struct decision *d)
{
	struct items set;
	enum status st = take_policy(a, in->policy, d, &set);

	if (st != ST_OK)
		return st;
	d->action = DECISION_SECURE;
	d->why = DECISION_WHY_STS_ENFORCE;
	d->tlsrpt = wants_tlsrpt(&in->profile);
	return make_match(a, in, &set, d);
}

/*
 * A policy that is not enforced, or a failure: at level may a report is all
 * that can come of it, and only where no DANE would be put aside.
 */
static enum status report(
	struct arena *a, const struct sts_decide_input *in, struct decision *d)
{
	struct items set;

	if (!in->profile.visibility || !wants_tlsrpt(&in->profile) ||
		in->dane->state != DANE_ABSENT)
		return ST_OK;
	d->action = DECISION_MAY_REPORT;
	d->tlsrpt = true;
	d->failed = in->failed;
	d->failure = in->failure;
	return in->policy == NULL ? ST_OK : take_policy(a, in->policy, d, &set);
}

static enum status by_policy(
	struct arena *a, const struct sts_decide_input *in, struct decision *d)
{
	if (in->policy == NULL) {
		d->why = in->failed    ? DECISION_WHY_STS_FAILED
			 : in->pending ? DECISION_WHY_STS_PENDING
				       : DECISION_WHY_NO_POLICY;
		return in->failed ? report(a, in, d) : ST_OK;
	}
	switch (mode_of(in)) {
	case STS_MODE_ENFORCE:
		return secure(a, in, d);
	case STS_MODE_TESTING:
		d->why = DECISION_WHY_STS_TESTING;
		return report(a, in, d);
	case STS_MODE_NONE:
		d->why = DECISION_WHY_STS_NONE;
		return ST_OK;
	}
	BUG(true);
}

/* Have those hosts that DANE is asked of but TLSA records nobody can use? */
static bool only_unusable(const struct dane_result *dane)
{
	for (size_t i = 0; i < dane->n_mx; i++)
		if (dane->mx[i].dane == DANE_HOST_USABLE ||
			dane->mx[i].dane == DANE_HOST_TEMP)
			return false;
	return true;
}

/* Some hosts have TLSA records, or may have. */
static enum status by_part(
	struct arena *a, const struct sts_decide_input *in, struct decision *d)
{
	bool ours = in->profile.kind == STS_PROFILE_DANE_STS;

	if (enforces(in) && (!ours || only_unusable(in->dane)))
		return secure(a, in, d);
	d->why = DECISION_WHY_DANE_PART;
	if (ours)
		d->action = enforces(in) ? DECISION_DANE_ONLY : DECISION_DANE;
	return ST_OK;
}

static bool without_dane(const struct sts_profile *p)
{
	return p->no_dane && p->kind != STS_PROFILE_DANE_STS;
}

static enum status decide(
	struct arena *a, const struct sts_decide_input *in, struct decision *d)
{
	if (in->rule == STS_RULE_OFF) {
		d->why = DECISION_WHY_RULE_OFF;
		return ST_OK;
	}
	if (without_dane(&in->profile))
		return by_policy(a, in, d);
	switch (in->dane->state) {
	case DANE_ALL:
		d->why = DECISION_WHY_DANE;
		if (in->profile.kind == STS_PROFILE_DANE_STS)
			d->action = DECISION_DANE_ONLY;
		return ST_OK;
	case DANE_SOME:
		return by_part(a, in, d);
	case DANE_TEMP:
		d->why = DECISION_WHY_DANE_TEMP;
		d->action = DECISION_TEMP;
		return ST_OK;
	case DANE_ABSENT:
	case DANE_OFF:
		return by_policy(a, in, d);
	}
	BUG(true);
}

enum status sts_decide(struct arena *a, const struct sts_decide_input *in,
	struct decision *out)
{
	struct decision d = { .domain = in->domain.name };
	enum status st = decide(a, in, &d);

	if (st == ST_OK)
		*out = d;
	return st;
}
