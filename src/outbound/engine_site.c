/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_site: domains remembered, in two lists with a bound each, so that
 * unknown domains push out unknown ones only. Nothing here is needed to be
 * right: what is forgotten is looked up again, policies are in the cache.
 */
#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/public_suffix.h"
#include "outbound/engine_own.h"

#include "base/poison.h"

#define LET_GO "it is let go: others were asked for more lately"

struct str site_name(const struct site *s)
{
	return (struct str){ s->name, s->name_n };
}

struct str group_of(const struct engine *e, struct str domain)
{
	if (e->o.suffixes == NULL)
		return domain;
	return public_suffix_registrable(e->o.suffixes, domain);
}

struct str site_group(const struct engine *e, const struct site *s)
{
	return group_of(e, site_name(s));
}

/* ---- lists ---- */

static struct site_list *list_of(struct engine *e, const struct site *s)
{
	return s->live ? &e->live : &e->negative;
}

static void list_remove(struct engine *e, struct site *s)
{
	struct site_list *l = list_of(e, s);

	if (s->newer != NULL)
		s->newer->older = s->older;
	else
		l->newest = s->older;
	if (s->older != NULL)
		s->older->newer = s->newer;
	else
		l->oldest = s->newer;
	l->n--;
}

static void list_add(struct engine *e, struct site *s)
{
	struct site_list *l = list_of(e, s);

	s->newer = NULL;
	s->older = l->newest;
	if (l->newest != NULL)
		l->newest->newer = s;
	else
		l->oldest = s;
	l->newest = s;
	l->n++;
}

static bool in_use(const struct site *s)
{
	if (s->job != NULL)
		return true;
	for (const struct hop *h = s->hops; h != NULL; h = h->next)
		if (h->job != NULL)
			return true;
	return false;
}

/* At most two go for each that comes: what is in use is passed over. */
static void list_trim(
	struct engine *e, struct site_list *l, size_t max, struct site *keep)
{
	for (int i = 0; i < 2 && l->n > max; i++) {
		struct site *s = l->oldest;

		if (s == keep || in_use(s)) {
			list_remove(e, s);
			list_add(e, s);
			continue;
		}
		site_free(e, s);
	}
}

void site_touch(struct engine *e, struct site *s, bool live)
{
	list_remove(e, s);
	s->live = live;
	list_add(e, s);
	list_trim(e, &e->live, e->o.max_live, s);
	list_trim(e, &e->negative, e->o.max_negative, s);
}

/* ---- sites ---- */

struct site *site_find(struct engine *e, struct str domain)
{
	return map_get(e->sites, domain);
}

struct site *site_get(struct engine *e, struct str domain)
{
	struct site *s = site_find(e, domain);

	if (s != NULL)
		return s;
	BUG(domain.n > UINT8_MAX);
	s = mem_must(sizeof(*s) + domain.n);
	memcpy(s->name, domain.p, domain.n);
	s->name_n = (uint8_t)domain.n;
	(void)map_put(e->sites, domain, s);
	list_add(e, s);
	list_trim(e, &e->negative, e->o.max_negative, s);
	return s;
}

/* What nobody watches any more is no trouble that anybody knows of. */
static void hop_free(struct engine *e, struct site *s, struct hop *h)
{
	for (enum engine_trouble r = 0; r < ENGINE_TROUBLES; r++)
		event_trouble(e, s, h, r, false, LET_GO);
	mem_free(h->memo);
	mem_free(h);
}

void site_free(struct engine *e, struct site *s)
{
	struct hop *next;

	BUG(in_use(s));
	(void)map_take(e->sites, site_name(s));
	list_remove(e, s);
	event_trouble_over(e, s, LET_GO);
	for (struct hop *h = s->hops; h != NULL; h = next) {
		next = h->next;
		hop_free(e, s, h);
	}
	site_tighten(e, s);
	mem_free(s);
}

void site_forget(struct site *s)
{
	s->asked = false;
	s->failed = false;
	s->failures = 0;
	s->failed_id_n = 0;
	s->fail_until_ms = 0;
	for (struct hop *h = s->hops; h != NULL; h = h->next)
		h->until_ms = 0;
}

/* ---- hops ---- */

/* The last one that is not in use goes, if there are too many. */
static void hops_trim(struct engine *e, struct site *s)
{
	struct hop **at = &s->hops, **last = NULL, *gone;
	size_t n = 0;

	for (; *at != NULL; at = &(*at)->next, n++)
		if ((*at)->job == NULL && n > 0)
			last = at;
	if (n <= HOPS_MAX || last == NULL)
		return;
	gone = *last;
	*last = gone->next;
	hop_free(e, s, gone);
}

struct hop *site_hop(struct engine *e, struct site *s,
	const struct policy_domain *d, bool make)
{
	struct hop *h = s->hops;

	for (; h != NULL; h = h->next)
		if (h->is_host == d->is_host && h->port == d->port)
			return h;
	if (!make)
		return NULL;
	h = mem_must(sizeof(*h));
	h->is_host = d->is_host;
	h->port = d->port;
	h->next = s->hops;
	s->hops = h;
	hops_trim(e, s);
	return h;
}

/* ---- policies that are not in the cache ---- */

void site_tighten(struct engine *e, struct site *s)
{
	if (s->loose == NULL)
		return;
	e->loose[s->loose->at] = NULL;
	arena_free(&s->loose->arena);
	mem_free(s->loose);
	s->loose = NULL;
}

/* All but the history; false: the arena is full. */
static bool copy_entry(struct arena *a, const struct policy_entry *from,
	struct policy_entry *to)
{
	struct str *mx = arena_array(a, from->policy.n_mx, sizeof(*mx));

	*to = *from;
	to->domain = arena_str(a, from->domain);
	to->id = arena_str(a, from->id);
	to->text = arena_str(a, from->text);
	for (size_t i = 0; mx != NULL && i < from->policy.n_mx; i++)
		mx[i] = arena_str(a, from->policy.mx[i]);
	to->policy.mx = mx;
	to->past = NULL;
	to->n_past = 0;
	return !arena_full(a);
}

enum status site_loose(
	const struct site *s, struct arena *a, struct policy_entry *out)
{
	return copy_entry(a, &s->loose->entry, out) ? ST_OK : ST_LIMIT;
}

void site_loosen(
	struct engine *e, struct site *s, const struct policy_entry *entry)
{
	struct loose *l = mem_must(sizeof(*l));

	l->arena = arena_must(0);
	BUG(!copy_entry(l->arena, entry, &l->entry));
	site_tighten(e, s);
	l->at = e->next_loose++ % LOOSE_MAX;
	if (e->loose[l->at] != NULL)
		site_tighten(e, e->loose[l->at]);
	e->loose[l->at] = s;
	s->loose = l;
}
