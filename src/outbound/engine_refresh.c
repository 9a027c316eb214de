/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_refresh: policies whose time has come. They are fetched again whatever
 * the record says (RFC 8461 section 10.2), unless nobody has asked for the
 * domain in a long while: then they end with their max_age. What has expired
 * is kept as history until it was long unused.
 */
#include "base/bug.h"
#include "outbound/engine_own.h"

#include "base/poison.h"

#define HORIZON 4 /* periods: what is due later was set by a wrong clock */
/* Of what is due: past all of some registrable domains that have their share,
 * for policy.cache_per_domain. */
#define LOOKED_THROUGH 4096
#define UNASKED_MAX 64 /* at once, that are put off or forgotten */

/* From now on; what is put off comes by earlier, or it would be due at once. */
static int64_t horizon(const struct engine *e)
{
	return HORIZON * (int64_t)e->o.refresh_s + e->o.unused_s * INT64_C(2);
}

static void put_off(struct engine *e, struct site *s,
	struct policy_entry *entry, int64_t to)
{
	int64_t now = engine_now(e);

	if (to > now + horizon(e))
		to = now + horizon(e);
	entry->next_refresh = to > now + 60 ? to : now + 60;
	(void)policy_put(e, s, entry, NULL);
}

static void expired(struct engine *e, struct site *s,
	struct policy_entry *entry, int64_t now)
{
	if (now - entry->used_at > e->o.unused_s) {
		event_tell(e, ENGINE_POLICY_FORGOTTEN, entry->domain, "");
		(void)policy_cache_del(e->o.cache, entry->domain, NULL, NULL);
		return;
	}
	if (entry->alarm < 100) {
		entry->alarm = 100;
		event_tell(e, ENGINE_POLICY_EXPIRED, entry->domain,
			"mail to it goes without the policy from now on");
		event_changed(e, entry->domain);
		event_trouble_over(e, s, "the policy has expired");
		event_may_go(e, s, "the policy has expired");
	}
	/* At least once in a period, in case it is the clock. */
	put_off(e, s, entry, now + e->o.refresh_s);
}

/* true: it has a look-up now. */
static bool refresh_one(struct engine *e, struct arena *a, struct str domain)
{
	struct site *s = site_get(e, domain);
	int64_t now = engine_now(e);
	struct policy_entry entry;
	int64_t expires;
	bool in_force;

	if (s->job != NULL || policy_now(e, s, a, &entry, &in_force) != ST_OK)
		return false;
	site_touch(e, s, true);
	expires = policy_entry_expires(&entry);
	if (!in_force) {
		expired(e, s, &entry, now);
	} else if (policy_pinned(e, domain)) {
		put_off(e, s, &entry, now + e->o.refresh_s);
	} else if (now - entry.used_at > e->o.unused_s) {
		put_off(e, s, &entry, expires);
	} else {
		sts_refresh(e, s);
		return true;
	}
	return false;
}

/* ---- turns ---- */

/* Those of one registrable domain that run now. */
static size_t running_of(const struct engine *e, struct str group)
{
	size_t n = 0;

	for (const struct sts_job *j = e->refreshing; j != NULL;
		j = j->next_refresh)
		n += str_eq(j->group, group);
	return n;
}

/*
 * A place for each registrable domain before a second one for any, so that who
 * has a thousand names with slow hosts keeps himself waiting, not others.
 */
static void give_turns(struct engine *e, struct arena *a, struct str *due,
	const struct str *groups, size_t n)
{
	size_t unasked = 0;

	for (size_t share = 1; share <= GROUP_REFRESHES_MAX; share++)
		for (size_t i = 0; i < n; i++) {
			if (e->refreshes >= e->o.max_refreshes ||
				unasked == UNASKED_MAX)
				return;
			if (due[i].p == NULL ||
				running_of(e, groups[i]) >= share)
				continue;
			unasked += !refresh_one(e, a, due[i]);
			due[i] = (struct str){};
		}
}

void refresh_due(struct engine *e)
{
	int64_t now = engine_now(e);
	struct str *due, *groups;
	struct arena *a;
	size_t n;

	if (e->refreshes >= e->o.max_refreshes)
		return;
	a = arena_must(0);
	/* Those that run now are still due. */
	if (policy_cache_due(e->o.cache, a, now, now + horizon(e),
		    LOOKED_THROUGH, &due, &n) != ST_OK)
		n = 0;
	groups = arena_array(a, n, sizeof(*groups));
	BUG(n > 0 && groups == NULL);
	for (size_t i = 0; i < n; i++)
		groups[i] = group_of(e, due[i]);
	give_turns(e, a, due, groups, n);
	arena_free(&a);
}
