/* SPDX-License-Identifier: Apache-2.0 */
/* policy_metrics: one row per metric; those with labels by hand. */
#include <stddef.h>

#include "outbound/policy_metrics.h"

#include "base/poison.h"

#define AT(field) offsetof(struct policy_metrics, field)

struct row {
	const char *name, *type, *help;
	size_t at;   /* of a number in struct policy_metrics */
	bool narrow; /* it is a size_t */
};

static const struct row rows[] = {
	{ "moat_policy_start_time_seconds", "gauge",
		"When the role started, UTC.", AT(started_at), false },
	/* Mail servers. */
	{ "moat_policy_connections", "gauge",
		"Connections of mail servers that are open.", AT(connections),
		false },
	{ "moat_policy_requests_total", "counter", "Requests of mail servers.",
		AT(requests), false },
	{ "moat_policy_hot_answers_total", "counter",
		"Requests answered with what lay ready.", AT(hot), false },
	{ "moat_policy_malformed_total", "counter",
		"Connections closed because the client is no mail server.",
		AT(malformed), false },
	{ "moat_policy_timed_out_total", "counter",
		"Connections closed because the client was too slow.",
		AT(timed_out), false },
	/* The engine. */
	{ "moat_policy_asks_total", "counter", "Decisions asked of the engine.",
		AT(engine.asks), false },
	{ "moat_policy_asks_from_memory_total", "counter",
		"Of those, decided without a look-up.", AT(engine.asks_now),
		false },
	{ "moat_policy_late_answers_total", "counter",
		"Answers given at answer_time, before all was known.",
		AT(engine.late), false },
	{ "moat_policy_record_lookups_total", "counter",
		"TXT records of MTA-STS looked up.", AT(engine.records),
		false },
	{ "moat_policy_fetches_total", "counter",
		"Policies fetched, or tried to fetch.", AT(engine.fetches),
		false },
	{ "moat_policy_fetch_failures_total", "counter",
		"Of those, without success.", AT(engine.fetches_failed),
		false },
	{ "moat_policy_dane_lookups_total", "counter",
		"Domains whose DANE was looked up.", AT(engine.danes), false },
	{ "moat_policy_running_sts", "gauge", "Look-ups of MTA-STS that run.",
		AT(engine.running_sts), true },
	{ "moat_policy_running_dane", "gauge", "Look-ups of DANE that run.",
		AT(engine.running_dane), true },
	{ "moat_policy_waiting", "gauge",
		"Mail servers' requests that wait for a look-up.",
		AT(engine.waiting), true },
	{ "moat_policy_domains_without_policy", "gauge",
		"Domains remembered to have no policy.", AT(engine.negative),
		true },
	{ "moat_policy_domains_remembered", "gauge",
		"Domains with a policy or DANE held in memory.",
		AT(engine.live), true },
	/* Mail that waits. */
	{ "moat_policy_trouble_domains", "gauge",
		"Domains whose mail may have to wait because of a policy.",
		AT(trouble), false },
	{ "moat_policy_releases_total", "counter",
		"Domains whose held mail was asked to be tried again.",
		AT(releases), false },
	/* The cache. */
	{ "moat_policy_cache_entries", "gauge",
		"Policies in the cache, with expired ones.", AT(cache.entries),
		false },
	{ "moat_policy_cache_rules", "gauge", "Rules of the operator.",
		AT(cache.rules), false },
	{ "moat_policy_cache_used_bytes", "gauge",
		"Bytes in use in the cache's file.", AT(cache.used_bytes),
		false },
	{ "moat_policy_cache_max_bytes", "gauge",
		"Bytes the cache's file may have.", AT(cache.max_bytes),
		false },
	{ "moat_policy_cache_commits_total", "counter",
		"Times that changes were written to disk.", AT(cache.commits),
		false },
	{ "moat_policy_cache_commit_failures_total", "counter",
		"Times that the disk did not take changes.",
		AT(cache.commit_failures), false },
	{ "moat_policy_cache_waiting", "gauge",
		"Changes that are not yet on disk.", AT(cache.waiting), false },
	{ "moat_policy_cache_refused_total", "counter",
		"Policies not kept because of cache_per_domain.",
		AT(cache.refused), false },
	{ "moat_policy_cache_unreadable_total", "counter",
		"Damaged values met in the cache's file.", AT(cache.unreadable),
		false },
	/* DNS. */
	{ "moat_policy_dns_lookups_total", "counter", "DNS look-ups.",
		AT(dns.started), false },
	{ "moat_policy_dns_failures_total", "counter",
		"DNS look-ups without an answer.", AT(dns.failed), false },
	{ "moat_policy_dns_bogus_total", "counter",
		"DNS answers whose signatures are wrong.", AT(dns.bogus),
		false },
};

static void write_head(
	struct sbuf *b, const char *name, const char *type, const char *help)
{
	sbuf_fmt(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static uint64_t value_of(const struct row *row, const struct policy_metrics *m)
{
	const char *p = (const char *)m + row->at;

	return row->narrow ? *(const size_t *)(const void *)p
			   : *(const uint64_t *)(const void *)p;
}

static void write_events(struct sbuf *b, const struct engine_stats *s)
{
	write_head(b, "moat_policy_events_total", "counter",
		"What happened to policies, by event.");
	for (size_t i = 0; i < ENGINE_EVENTS; i++)
		sbuf_fmt(b, "moat_policy_events_total{event=\"%s\"} %llu\n",
			engine_event_name((enum engine_event)i),
			(unsigned long long)s->events[i]);
}

static void write_dnssec(struct sbuf *b, enum dns_dnssec state)
{
	write_head(b, "moat_policy_dnssec_good", "gauge",
		"1: DNSSEC can be trusted, so DANE is used; else 0.");
	sbuf_fmt(b, "moat_policy_dnssec_good %d\n", state == DNS_DNSSEC_GOOD);
}

void policy_metrics_write(struct sbuf *b, const struct policy_metrics *m)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		write_head(b, rows[i].name, rows[i].type, rows[i].help);
		sbuf_fmt(b, "%s %llu\n", rows[i].name,
			(unsigned long long)value_of(&rows[i], m));
	}
	write_events(b, &m->engine);
	write_dnssec(b, m->dnssec);
}
