/* SPDX-License-Identifier: Apache-2.0 */
/* digest_later: a map from file names to when they are tried again. */
#include "intake/digest_later.h"

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

#include "base/poison.h"

struct wait {
	struct mono first, until;
	int64_t s;
};

struct digest_later {
	struct map *files;
};

struct digest_later *digest_later_new(void)
{
	struct digest_later *l = mem_must(sizeof(*l));

	l->files = map_new();
	return l;
}

void digest_later_free(struct digest_later **l)
{
	struct str name;
	size_t at = 0;
	void *wait;

	if (*l == NULL)
		return;
	while (map_next((*l)->files, &at, &name, &wait))
		mem_free(wait);
	map_free(&(*l)->files);
	mem_free(*l);
	*l = NULL;
}

bool digest_later_put(struct digest_later *l, struct str name,
	const struct err *why, struct mono now)
{
	struct wait *w = map_get(l->files, name);

	if (w == NULL) {
		if (map_count(l->files) >= DIGEST_LATER_MAX)
			return false;
		LOG(LOG_ERROR, "report.put_off", KV_STR("file", name),
			KV_Z("reason", why->text));
		w = mem_must(sizeof(*w));
		w->first = now;
		(void)map_put(l->files, name, w);
	}
	w->s = w->s == 0 ? DIGEST_LATER_MIN_S : 2 * w->s;
	if (w->s > DIGEST_LATER_MAX_S)
		w->s = DIGEST_LATER_MAX_S;
	w->until.ms = now.ms + w->s * 1000;
	return true;
}

void digest_later_drop(struct digest_later *l, struct str name)
{
	mem_free(map_take(l->files, name));
}

bool digest_later_waits(
	const struct digest_later *l, struct str name, struct mono now)
{
	const struct wait *w = map_get(l->files, name);

	return w != NULL && now.ms < w->until.ms;
}

int64_t digest_later_since_ms(
	const struct digest_later *l, struct str name, struct mono now)
{
	const struct wait *w = map_get(l->files, name);

	return w == NULL ? 0 : now.ms - w->first.ms;
}

size_t digest_later_count(const struct digest_later *l)
{
	return map_count(l->files);
}
