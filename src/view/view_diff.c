/* SPDX-License-Identifier: Apache-2.0 */
/* view_diff: names before and after a transaction. */
#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "proto/dns_rr.h"
#include "view/view_diff.h"
#include "view/view_value.h"

#include "base/poison.h"

struct touched {
	struct view_name before, after; /* n == 0: was not, is not */
};

struct rr_vec {
	struct view_rr *items;
	size_t n, cap;
};

struct view_diff {
	struct arena *a;
	struct map *names; /* owner -> struct touched */
	struct rr_vec deleted, added;
};

struct view_diff *view_diff_new(void)
{
	struct view_diff *d = mem_must(sizeof(*d));

	d->a = arena_must(0);
	d->names = map_new();
	return d;
}

void view_diff_free(struct view_diff **d)
{
	if (*d == NULL)
		return;
	map_free(&(*d)->names);
	arena_free(&(*d)->a);
	mem_free(*d);
	*d = NULL;
}

void view_diff_reset(struct view_diff *d)
{
	map_free(&d->names);
	d->names = map_new();
	arena_reset(d->a);
	d->deleted = (struct rr_vec){};
	d->added = (struct rr_vec){};
}

bool view_diff_has(const struct view_diff *d, struct str owner)
{
	return map_get(d->names, owner) != NULL;
}

static bool read_name(
	struct view_diff *d, struct str value, struct view_name *out)
{
	if (value.n == 0)
		return true;
	return view_name_read(d->a, arena_str(d->a, value), out) == ST_OK;
}

bool view_diff_before(struct view_diff *d, struct str owner, struct str value)
{
	struct touched *t = arena_alloc(d->a, sizeof(*t));

	BUG(map_put(d->names, owner, t) != NULL);
	t->after.owner = arena_str(d->a, owner);
	t->before.owner = t->after.owner;
	return read_name(d, value, &t->before);
}

bool view_diff_after(struct view_diff *d, struct str owner, struct str value)
{
	struct touched *t = map_get(d->names, owner);

	return read_name(d, value, &t->after);
}

bool view_diff_next(const struct view_diff *d, size_t *at, struct str *owner)
{
	void *value;

	return map_next(d->names, at, owner, &value);
}

static bool has_rr(const struct view_name *name, const struct view_rrset *set,
	struct str rdata)
{
	for (size_t i = 0; i < name->n; i++) {
		const struct view_rrset *other = &name->sets[i];

		if (other->type != set->type || other->ttl != set->ttl)
			continue;
		for (size_t k = 0; k < other->n; k++)
			if (str_eq(other->rdata[k], rdata))
				return true;
	}
	return false;
}

/* The records of a that b has not. */
static void missing(struct view_diff *d, const struct view_name *a,
	const struct view_name *b, struct rr_vec *out)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct view_rrset *set = &a->sets[i];

		if (set->type == DNS_TYPE_SOA)
			continue;
		for (size_t k = 0; k < set->n; k++) {
			struct view_rr rr = { a->owner, set->type, set->ttl,
				set->rdata[k] };

			if (!has_rr(b, set, set->rdata[k]))
				BUG(!VEC_PUSH(d->a, out, rr));
		}
	}
}

bool view_diff_any(struct view_diff *d)
{
	struct str owner;
	size_t at = 0;
	void *value;

	d->deleted = (struct rr_vec){};
	d->added = (struct rr_vec){};
	while (map_next(d->names, &at, &owner, &value)) {
		struct touched *t = value;

		missing(d, &t->before, &t->after, &d->deleted);
		missing(d, &t->after, &t->before, &d->added);
	}
	return d->deleted.n > 0 || d->added.n > 0;
}

/* The SOA of zone and then list. */
static struct view_rr *with_soa(struct view_diff *d,
	const struct view_zone *zone, const struct rr_vec *list)
{
	struct view_rr *all = arena_array(d->a, list->n + 1, sizeof(*all));

	all[0] = (struct view_rr){ zone->origin, DNS_TYPE_SOA, zone->soa_ttl,
		zone->soa };
	for (size_t i = 0; i < list->n; i++)
		all[i + 1] = list->items[i];
	return all;
}

void view_diff_step(struct view_diff *d, const struct view_zone *from,
	const struct view_zone *to, struct view_step *step)
{
	step->deleted = with_soa(d, from, &d->deleted);
	step->n_deleted = d->deleted.n + 1;
	step->added = with_soa(d, to, &d->added);
	step->n_added = d->added.n + 1;
}
