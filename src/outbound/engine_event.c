/* SPDX-License-Identifier: Apache-2.0 */
/* engine_event: a row for each event; log, counters, hooks. */
#include "base/log.h"
#include "outbound/engine_own.h"

#include "base/poison.h"

#define BUSY_TOLD_MS 10000 /* a flood is told of once in this time */

static const struct row {
	const char *name;
	enum log_level level;
} rows[ENGINE_EVENTS] = {
	[ENGINE_POLICY_NEW] = { "policy.new", LOG_INFO },
	[ENGINE_POLICY_CHANGED] = { "policy.changed", LOG_INFO },
	[ENGINE_POLICY_DOWNGRADED] = { "policy.downgraded", LOG_WARN },
	[ENGINE_POLICY_GONE] = { "policy.gone", LOG_WARN },
	[ENGINE_POLICY_BACK] = { "policy.back", LOG_INFO },
	[ENGINE_POLICY_EXPIRED] = { "policy.expired", LOG_WARN },
	[ENGINE_POLICY_FORGOTTEN] = { "policy.forgotten", LOG_INFO },
	[ENGINE_ID_FLIPPED] = { "policy.id_flipped", LOG_WARN },
	[ENGINE_FETCH_FAILED] = { "policy.fetch_failed", LOG_INFO },
	[ENGINE_FETCH_AGAIN] = { "policy.fetch_again", LOG_INFO },
	[ENGINE_REFRESH_FAILED] = { "policy.refresh_failed", LOG_INFO },
	[ENGINE_LIFE_HALF] = { "policy.life_half", LOG_WARN },
	[ENGINE_LIFE_LATE] = { "policy.life_late", LOG_ERROR },
	[ENGINE_NO_MX] = { "policy.no_mx", LOG_WARN },
	[ENGINE_MX_AGAIN] = { "policy.mx_again", LOG_INFO },
	[ENGINE_NOT_KEPT] = { "policy.not_kept", LOG_WARN },
	[ENGINE_DANE_TEMP] = { "dane.temp", LOG_WARN },
	[ENGINE_DANE_AGAIN] = { "dane.again", LOG_INFO },
	[ENGINE_BUSY] = { "policy.busy", LOG_WARN },
	[ENGINE_CLOCK_JUMPED] = { "clock.jumped", LOG_ERROR },
	[ENGINE_CLOCK_TAKEN] = { "clock.taken", LOG_WARN },
	[ENGINE_CACHE_FAILED] = { "cache.failed", LOG_ERROR },
	[ENGINE_CACHE_AGAIN] = { "cache.again", LOG_INFO },
	[ENGINE_CACHE_DAMAGED] = { "cache.damaged", LOG_ERROR },
};

const char *engine_event_name(enum engine_event ev)
{
	return rows[ev].name;
}

void event_tell(struct engine *e, enum engine_event ev, struct str domain,
	const char *text)
{
	const struct engine_hooks *hooks = &e->o.hooks;
	bool quiet = false;

	e->stats.events[ev]++;
	if (ev == ENGINE_BUSY) {
		quiet = mono_ms(e) < e->busy_told.ms;
		if (!quiet)
			e->busy_told.ms = mono_ms(e) + BUSY_TOLD_MS;
	}
	if (!quiet)
		LOG(rows[ev].level, rows[ev].name, KV_STR("domain", domain),
			KV_Z("why", text));
	if (hooks->event != NULL)
		hooks->event(hooks->ctx, ev, domain, text);
}

void event_policy(struct engine *e, enum engine_event ev,
	const struct policy_entry *entry, const struct policy_entry *old)
{
	const struct engine_hooks *hooks = &e->o.hooks;
	const char *mode = sts_mode_name(entry->policy.mode);

	e->stats.events[ev]++;
	if (old == NULL)
		LOG(rows[ev].level, rows[ev].name,
			KV_STR("domain", entry->domain), KV_Z("mode", mode),
			KV_STR("id", entry->id));
	else
		LOG(rows[ev].level, rows[ev].name,
			KV_STR("domain", entry->domain), KV_Z("mode", mode),
			KV_STR("id", entry->id),
			KV_Z("old_mode", sts_mode_name(old->policy.mode)),
			KV_STR("old_id", old->id));
	if (hooks->event != NULL)
		hooks->event(hooks->ctx, ev, entry->domain, mode);
}

void event_changed(struct engine *e, struct str domain)
{
	if (e->o.hooks.changed != NULL)
		e->o.hooks.changed(e->o.hooks.ctx, domain);
}

/* ---- trouble ---- */

const char *engine_trouble_name(enum engine_trouble reason)
{
	static const char *const names[ENGINE_TROUBLES] = {
		[ENGINE_TROUBLE_GONE] = "gone",
		[ENGINE_TROUBLE_ID] = "id",
		[ENGINE_TROUBLE_NO_MX] = "no-mx",
		[ENGINE_TROUBLE_DANE] = "dane",
	};

	return names[reason];
}

static uint8_t bit_of(enum engine_trouble reason)
{
	return (uint8_t)(1u << reason);
}

bool event_in_trouble(
	const struct site *s, const struct hop *h, enum engine_trouble reason)
{
	return ((h != NULL ? h->trouble : s->trouble) & bit_of(reason)) != 0;
}

void event_trouble(struct engine *e, struct site *s, struct hop *h,
	enum engine_trouble reason, bool begins, const char *why)
{
	struct policy_domain domain = { site_name(s), false, SMTP_PORT };
	uint8_t *known = h != NULL ? &h->trouble : &s->trouble;

	if (begins == event_in_trouble(s, h, reason))
		return;
	*known ^= bit_of(reason);
	if (h != NULL) {
		domain.is_host = h->is_host;
		domain.port = h->port;
	}
	if (e->o.hooks.trouble != NULL)
		e->o.hooks.trouble(
			e->o.hooks.ctx, &domain, reason, begins, why);
}

void event_trouble_over(struct engine *e, struct site *s, const char *why)
{
	for (enum engine_trouble r = 0; r < ENGINE_TROUBLES; r++) {
		event_trouble(e, s, NULL, r, false, why);
		for (struct hop *h = s->hops; h != NULL; h = h->next)
			event_trouble(e, s, h, r, false, why);
	}
}

void event_may_go(struct engine *e, struct site *s, const char *why)
{
	if (e->o.hooks.may_go != NULL)
		e->o.hooks.may_go(e->o.hooks.ctx, site_name(s), why);
}
