/* SPDX-License-Identifier: Apache-2.0 */
/* moat_sts: the MTA-STS part of moat.h, RFC 8461. */
#include "lib/handle.h"
#include "proto/host_name.h"
#include "proto/sts_match.h"
#include "proto/sts_policy.h"
#include "proto/sts_record.h"

#include "base/poison.h"

struct moat_sts_record {
	struct arena *arena;
	const char *id;
};

struct moat_policy {
	struct arena *arena;
	struct sts_policy policy;
	const char **mx;
};

/* ST_NOTFOUND, ST_INVALID or ST_OK for what the selection found. */
static enum status record_status(const struct sts_record *rec)
{
	switch (rec->outcome) {
	case STS_RECORD_VALID:
		return ST_OK;
	case STS_RECORD_NONE:
		return ST_NOTFOUND;
	case STS_RECORD_INVALID:
	case STS_RECORD_SEVERAL:
		break;
	}
	return ST_INVALID;
}

enum moat_status moat_sts_record_read(const char *const *txt, size_t n,
	struct moat_sts_record **out, struct moat_error *err)
{
	struct moat_sts_record *h = handle_new(sizeof(*h));
	struct err e = { "out of memory" };
	enum status st = ST_LIMIT;
	struct sts_record rec;
	struct str *texts;
	int failed = 0;

	texts = h == NULL ? NULL : handle_strs(h->arena, txt, n);
	if (texts != NULL) {
		rec = sts_record_select(texts, n, &e);
		st = record_status(&rec);
	}
	if (st == ST_OK)
		h->id = handle_text(h->arena, rec.id, &failed);
	if (failed)
		st = ST_LIMIT;
	if (st == ST_OK) {
		*out = h;
		h = NULL;
	}
	moat_sts_record_free(&h);
	return handle_status(st, &e, err);
}

void moat_sts_record_free(struct moat_sts_record **rec)
{
	struct arena *a = *rec == NULL ? NULL : (*rec)->arena;

	arena_free(&a);
	*rec = NULL;
}

const char *moat_sts_record_id(const struct moat_sts_record *rec)
{
	return rec->id;
}

/* ST_LIMIT: memory. */
static enum status copy_mx(struct moat_policy *h)
{
	int failed = 0;

	h->mx = arena_array(h->arena, h->policy.n_mx, sizeof(*h->mx));
	if (h->mx == NULL)
		return ST_LIMIT;
	for (size_t i = 0; i < h->policy.n_mx; i++)
		h->mx[i] = handle_text(h->arena, h->policy.mx[i], &failed);
	return failed ? ST_LIMIT : ST_OK;
}

enum moat_status moat_policy_read(const char *text, size_t n,
	struct moat_policy **out, struct moat_error *err)
{
	struct moat_policy *h = handle_new(sizeof(*h));
	struct err e = { "out of memory" };
	enum status st = ST_LIMIT;

	if (h != NULL)
		st = sts_policy_parse(
			h->arena, (struct str){ text, n }, &h->policy, &e);
	if (st == ST_OK && h->policy.outcome != STS_POLICY_VALID)
		st = ST_INVALID;
	if (st == ST_OK)
		st = copy_mx(h);
	if (st == ST_OK) {
		*out = h;
		h = NULL;
	}
	moat_policy_free(&h);
	return handle_status(st, &e, err);
}

void moat_policy_free(struct moat_policy **policy)
{
	struct arena *a = *policy == NULL ? NULL : (*policy)->arena;

	arena_free(&a);
	*policy = NULL;
}

enum moat_mode moat_policy_mode(const struct moat_policy *policy)
{
	switch (policy->policy.mode) {
	case STS_MODE_ENFORCE:
		return MOAT_MODE_ENFORCE;
	case STS_MODE_TESTING:
		return MOAT_MODE_TESTING;
	case STS_MODE_NONE:
		break;
	}
	return MOAT_MODE_NONE;
}

uint32_t moat_policy_max_age(const struct moat_policy *policy)
{
	return policy->policy.max_age_s;
}

size_t moat_policy_mx_count(const struct moat_policy *policy)
{
	return policy->policy.n_mx;
}

const char *moat_policy_mx(const struct moat_policy *policy, size_t i)
{
	return i < policy->policy.n_mx ? policy->mx[i] : NULL;
}

/* Without one trailing dot; empty when it is no host name. */
static struct str host_of(const char *name)
{
	struct str s = str_of(name);

	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	return host_name_fault(s) == HOST_NAME_GOOD ? s : STR("");
}

int moat_policy_matches(const struct moat_policy *policy, const char *mx_host)
{
	return sts_match_any(host_of(mx_host), policy->policy.mx,
		       policy->policy.n_mx) >= 0;
}

int moat_match(const char *mx_host, const char *pattern)
{
	return sts_pattern_valid(str_of(pattern)) &&
	       sts_match(host_of(mx_host), str_of(pattern));
}
