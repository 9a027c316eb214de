/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble: a list in the order of beginnings, and a map from the domain to its
 * reasons.
 */
#include "outbound/trouble.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#include "base/poison.h"

#define WHY_BYTES_MAX 160

struct item {
	struct item *next, *prev;
	struct item *other; /* of the same domain */
	struct policy_domain domain;
	enum engine_trouble reason;
	int64_t since;
	char why[WHY_BYTES_MAX];
	char name[];
};

struct trouble {
	struct map *by_name;
	struct item *oldest, *newest;
	size_t n;
};

struct trouble *trouble_new(void)
{
	struct trouble *t = mem_must(sizeof(*t));

	t->by_name = map_new();
	return t;
}

/* Out of the items of its domain. */
static void leave_domain(struct trouble *t, struct item *i)
{
	struct item *first = map_take(t->by_name, i->domain.name);
	struct item **at = &first;

	while (*at != i)
		at = &(*at)->other;
	*at = i->other;
	if (first != NULL)
		(void)map_put(t->by_name, first->domain.name, first);
}

static void drop(struct trouble *t, struct item *i)
{
	leave_domain(t, i);
	if (i->prev != NULL)
		i->prev->next = i->next;
	else
		t->oldest = i->next;
	if (i->next != NULL)
		i->next->prev = i->prev;
	else
		t->newest = i->prev;
	t->n--;
	mem_free(i);
}

void trouble_free(struct trouble **t)
{
	if (*t == NULL)
		return;
	while ((*t)->oldest != NULL)
		drop(*t, (*t)->oldest);
	map_free(&(*t)->by_name);
	mem_free(*t);
	*t = NULL;
}

static struct item *find(const struct trouble *t,
	const struct policy_domain *domain, enum engine_trouble reason)
{
	struct item *i = map_get(t->by_name, domain->name);

	while (i != NULL &&
		(i->reason != reason || i->domain.is_host != domain->is_host ||
			i->domain.port != domain->port))
		i = i->other;
	return i;
}

static struct item *add(struct trouble *t, const struct policy_domain *domain)
{
	struct item *i = mem_must(sizeof(*i) + domain->name.n);

	memcpy(i->name, domain->name.p, domain->name.n);
	i->domain = *domain;
	i->domain.name.p = i->name;
	i->prev = t->newest;
	if (t->newest != NULL)
		t->newest->next = i;
	else
		t->oldest = i;
	t->newest = i;
	i->other = map_put(t->by_name, i->domain.name, i);
	t->n++;
	return i;
}

void trouble_begin(struct trouble *t, const struct policy_domain *domain,
	enum engine_trouble reason, const char *why, int64_t now)
{
	struct item *i = find(t, domain, reason);

	if (i == NULL) {
		if (t->n == TROUBLE_MAX)
			drop(t, t->oldest);
		i = add(t, domain);
		i->reason = reason;
		i->since = now;
	}
	(void)snprintf(i->why, sizeof(i->why), "%s", why);
}

bool trouble_end(struct trouble *t, const struct policy_domain *domain,
	enum engine_trouble reason)
{
	struct item *i = find(t, domain, reason);

	if (i == NULL)
		return false;
	drop(t, i);
	return true;
}

size_t trouble_count(const struct trouble *t)
{
	return map_count(t->by_name);
}

static void put_next_hop(
	struct json_writer *w, const struct policy_domain *domain)
{
	char text[POLICY_DOMAIN_TEXT_MAX];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	policy_domain_write(&b, domain);
	json_put_str(w, "next_hop", sbuf_str(&b));
}

void trouble_json(const struct trouble *t, struct json_writer *w)
{
	for (const struct item *i = t->oldest; i != NULL; i = i->next) {
		json_open_object(w, NULL);
		json_put_str(w, "domain", i->domain.name);
		put_next_hop(w, &i->domain);
		json_put_z(w, "reason", engine_trouble_name(i->reason));
		json_put_int(w, "since", i->since);
		json_put_z(w, "why", i->why);
		json_close_object(w);
	}
}
