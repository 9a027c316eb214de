/* SPDX-License-Identifier: Apache-2.0 */
/* trouble: a map, and a list in the order of their beginnings. */
#include "outbound/trouble.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#include "base/poison.h"

#define WHY_BYTES_MAX 160

struct item {
	struct item *next, *prev;
	int64_t since;
	char why[WHY_BYTES_MAX];
	size_t name_n;
	char name[];
};

struct trouble {
	struct map *by_name;
	struct item *oldest, *newest;
};

struct trouble *trouble_new(void)
{
	struct trouble *t = mem_must(sizeof(*t));

	t->by_name = map_new();
	return t;
}

static struct str name_of(const struct item *i)
{
	return (struct str){ i->name, i->name_n };
}

static void drop(struct trouble *t, struct item *i)
{
	(void)map_take(t->by_name, name_of(i));
	if (i->prev != NULL)
		i->prev->next = i->next;
	else
		t->oldest = i->next;
	if (i->next != NULL)
		i->next->prev = i->prev;
	else
		t->newest = i->prev;
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

void trouble_begin(
	struct trouble *t, struct str domain, const char *why, int64_t now)
{
	struct item *i = map_get(t->by_name, domain);

	if (i == NULL) {
		if (map_count(t->by_name) == TROUBLE_MAX)
			drop(t, t->oldest);
		i = mem_must(sizeof(*i) + domain.n);
		i->since = now;
		i->name_n = domain.n;
		memcpy(i->name, domain.p, domain.n);
		i->prev = t->newest;
		if (t->newest != NULL)
			t->newest->next = i;
		else
			t->oldest = i;
		t->newest = i;
		(void)map_put(t->by_name, domain, i);
	}
	(void)snprintf(i->why, sizeof(i->why), "%s", why);
}

bool trouble_end(struct trouble *t, struct str domain)
{
	struct item *i = map_get(t->by_name, domain);

	if (i == NULL)
		return false;
	drop(t, i);
	return true;
}

size_t trouble_count(const struct trouble *t)
{
	return map_count(t->by_name);
}

void trouble_json(const struct trouble *t, struct json_writer *w)
{
	for (const struct item *i = t->oldest; i != NULL; i = i->next) {
		json_open_object(w, NULL);
		json_put_str(w, "domain", name_of(i));
		json_put_int(w, "since", i->since);
		json_put_z(w, "why", i->why);
		json_close_object(w);
	}
}
