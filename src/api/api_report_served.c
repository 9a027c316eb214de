/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_report_served: is a policy text that a sender held the one we serve?
 * Senders write it down in their own way, so that what it means is compared.
 */
#include "api/api_report_served.h"

#include "base/bug.h"
#include "proto/sts_policy.h"

#include "base/poison.h"

#define HISTORY_MAX 100u
#define TEXT_MAX 2000u /* longer ones were cut when they were added up */

struct api_served {
	struct sts_policy *items; /* the current one first */
	size_t n;
	bool has_current;
};

static bool has_mx(const struct sts_policy *p, struct str mx)
{
	for (size_t i = 0; i < p->n_mx; i++)
		if (str_eq(p->mx[i], mx))
			return true;
	return false;
}

static bool is_same(const struct sts_policy *x, const struct sts_policy *y)
{
	bool same = x->mode == y->mode && x->max_age_s == y->max_age_s;

	for (size_t i = 0; same && i < x->n_mx; i++)
		same = has_mx(y, x->mx[i]);
	for (size_t i = 0; same && i < y->n_mx; i++)
		same = has_mx(x, y->mx[i]);
	return same;
}

static bool read_text(struct arena *a, struct str text, struct sts_policy *out)
{
	return sts_policy_parse(a, text, out, NULL) == ST_OK &&
	       out->outcome == STS_POLICY_VALID;
}

enum status api_served_get(struct store *s, struct arena *a, struct str tenant,
	struct str domain, struct api_served **out, struct err *e)
{
	struct api_served *served = arena_alloc(a, sizeof(*served));
	struct store_policy *rows;
	struct store_domain d;
	size_t n;
	enum status st = store_domain_get(s, a, tenant, domain, &d, e);

	BUG(served == NULL);
	if (st == ST_OK)
		st = store_policy_list(
			s, a, tenant, domain, HISTORY_MAX, &rows, &n, e);
	if (st == ST_NOTFOUND) {
		*out = NULL;
		return ST_OK;
	}
	if (st != ST_OK)
		return st;
	*served = (struct api_served){ .items = arena_array(a, n + 1,
					       sizeof(*served->items)) };
	BUG(served->items == NULL);
	served->has_current = read_text(a, d.policy_body, &served->items[0]);
	served->n = served->has_current;
	for (size_t i = 0; i < n; i++)
		served->n += read_text(
			a, rows[i].body, &served->items[served->n]);
	*out = served;
	return ST_OK;
}

const char *api_served_name(const struct api_served *served, struct arena *a,
	struct str policy_type, struct str text)
{
	struct sts_policy held;

	if (served == NULL || !str_eq(policy_type, STR("sts")) ||
		text.n >= TEXT_MAX || !read_text(a, text, &held))
		return NULL;
	for (size_t i = 0; i < served->n; i++)
		if (is_same(&served->items[i], &held))
			return i == 0 && served->has_current ? "current"
							     : "stale";
	return "never";
}
