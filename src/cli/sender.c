/* SPDX-License-Identifier: Apache-2.0 */
/* sender: the texts about policies of other domains. */
#include <string.h>

#include "cli/client.h"
#include "cli/sender.h"
#include "io/idn.h"
#include "proto/policy_domain.h"

#include "base/poison.h"

#define LINE_BYTES_MAX 65536u

struct str sender_path(struct cli *cli, const char *prefix, const char *domain,
	const char *suffix)
{
	struct policy_domain d;

	if (policy_domain_parse(cli->arena, str_of(domain), idn_to_ascii, &d) !=
		ST_OK) {
		(void)cli_usage(
			cli, "%s is no domain that a policy is for", domain);
		return (struct str){};
	}
	return arena_fmt(cli->arena, "%s/%.*s%s%s", prefix, STR_ARG(d.name),
		suffix != NULL ? "/" : "", suffix != NULL ? suffix : "");
}

static const char *escaped(struct cli *cli, struct str s)
{
	struct sbuf b = sbuf_arena(cli->arena, 4 * LINE_BYTES_MAX + 1);

	sbuf_escaped(&b, str_upto(s, LINE_BYTES_MAX));
	sbuf_addc(&b, '\0');
	return b.p;
}

/* As it is if it is printable ASCII, as what moat itself escaped is. */
static const char *printable(struct cli *cli, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return escaped(cli, s);
	return arena_str(cli->arena, s).p;
}

/* ---- policies and rules */

static void print_mx(struct cli *cli, const struct json *policy)
{
	(void)fprintf(cli->out, "  MX hosts:    ");
	for (const struct json *v = json_first(policy, "mx"); v != NULL;
		v = v->next)
		(void)fprintf(cli->out, " %s", escaped(cli, json_str(v)));
	(void)fprintf(cli->out, "\n");
}

static void print_history(struct cli *cli, const struct json *policy)
{
	for (const struct json *v = json_first(policy, "history"); v != NULL;
		v = v->next)
		(void)fprintf(cli->out,
			"  Before:       %s, id %s, fetched %s\n",
			client_text(cli, v, "mode"), client_text(cli, v, "id"),
			client_time(cli, client_int(v, "fetched_at")));
}

/* Its max_age is over, and a rule keeps it in force. */
static bool is_kept(const struct json *policy, int64_t now)
{
	return client_int(policy, "expires") <= now &&
	       json_true(json_get(policy, "in_force"));
}

const char *sender_policy_state(const struct json *policy, int64_t now)
{
	if (is_kept(policy, now))
		return "pinned";
	if (!json_true(json_get(policy, "in_force")))
		return "expired";
	if (json_true(json_get(policy, "gone")))
		return "record gone";
	return client_int(policy, "failures") > 0 ? "refresh fails"
						  : "in force";
}

/* Goes before the time at which max_age is over. */
static const char *until_text(const struct json *policy, int64_t now)
{
	if (is_kept(policy, now))
		return "pinned; max_age was over at";
	return json_true(json_get(policy, "in_force")) ? "in force until"
						       : "expired at";
}

void sender_print_policy(
	struct cli *cli, const struct json *policy, int64_t now)
{
	bool in_force = json_true(json_get(policy, "in_force"));

	(void)fprintf(cli->out, "%s%s%s: mode %s, %s%s%s %s\n", cli_bold(cli),
		client_text(cli, policy, "domain"), cli_plain(cli),
		client_text(cli, policy, "mode"),
		in_force ? cli_green(cli) : cli_yellow(cli),
		until_text(policy, now), cli_plain(cli),
		client_time(cli, client_int(policy, "expires")));
	print_mx(cli, policy);
	(void)fprintf(cli->out, "  Id:           %s\n",
		client_text(cli, policy, "id"));
	(void)fprintf(cli->out, "  Fetched:      %s, for %lld s\n",
		client_time(cli, client_int(policy, "fetched_at")),
		(long long)client_int(policy, "max_age"));
	(void)fprintf(cli->out, "  First seen:   %s, last used %s\n",
		client_time(cli, client_int(policy, "first_seen")),
		client_time(cli, client_int(policy, "used_at")));
	(void)fprintf(cli->out, "  Next refresh: %s\n",
		client_time(cli, client_int(policy, "next_refresh")));
	if (client_int(policy, "failures") > 0)
		(void)fprintf(cli->out,
			"  %sRefreshing has failed %lld times since %s%s\n",
			cli_yellow(cli),
			(long long)client_int(policy, "failures"),
			client_time(cli, client_int(policy, "failed_since")),
			cli_plain(cli));
	if (json_true(json_get(policy, "gone")))
		(void)fprintf(cli->out,
			"  %sIts DNS record is gone; the policy stays in force "
			"until it expires%s\n",
			cli_yellow(cli), cli_plain(cli));
	print_history(cli, policy);
}

void sender_print_rule(struct cli *cli, const struct json *rule)
{
	const char *profile = client_text(cli, rule, "profile");
	const char *reason = client_text(cli, rule, "reason");
	bool all = strcmp(profile, "*") == 0;

	(void)fprintf(cli->out, "%s: %s, %s%s, %s %s%s%s%s\n",
		client_text(cli, rule, "domain"),
		client_text(cli, rule, "rule"),
		all ? "every profile" : "profile ", all ? "" : profile,
		json_true(json_get(rule, "in_force")) ? "until" : "expired",
		json_get_str(rule, "until").p == NULL &&
				client_int(rule, "until") == 0
			? "it is removed"
			: client_time(cli, client_int(rule, "until")),
		reason[0] != '\0' ? " (" : "", reason,
		reason[0] != '\0' ? ")" : "");
}

/* ---- the steps of an answer */

static void print_note(struct cli *cli, const char *note)
{
	if (note[0] != '\0')
		(void)fprintf(cli->out, "     %s\n", note);
}

static void print_dane(struct cli *cli, const struct json *dane)
{
	(void)fprintf(cli->out, "DANE (RFC 7672): %s%s%s\n", cli_bold(cli),
		client_text(cli, dane, "state"), cli_plain(cli));
	print_note(cli, client_text(cli, dane, "why"));
	for (const struct json *v = json_first(dane, "hosts"); v != NULL;
		v = v->next)
		(void)fprintf(cli->out, "     MX %lld %s: TLSA %s\n",
			(long long)client_int(v, "preference"),
			client_text(cli, v, "name"),
			str_eq(json_get_str(v, "dane"), STR("unknown"))
				? "not asked"
				: client_text(cli, v, "dane"));
	for (const struct json *v = json_first(dane, "lookups"); v != NULL;
		v = v->next)
		(void)fprintf(cli->out, "       %s %s: %s, %s%s%s\n",
			client_text(cli, v, "name"),
			client_text(cli, v, "type"),
			client_text(cli, v, "outcome"),
			json_true(json_get(v, "secure")) ? "signed"
							 : "not signed",
			json_get_str(v, "text").n > 0 ? ": " : "",
			client_text(cli, v, "text"));
}

static void print_record(
	struct cli *cli, const struct json *r, const char *domain)
{
	const char *text = client_text(cli, r, "text");
	const char *canonical = client_text(cli, r, "canonical");
	const char *asked = arena_fmt(cli->arena, "_mta-sts.%s", domain).p;

	(void)fprintf(cli->out, "Record %s TXT: %s%s%s\n", asked, cli_bold(cli),
		client_text(cli, r, "result"), cli_plain(cli));
	print_note(cli, client_text(cli, r, "why"));
	if (text[0] != '\0')
		(void)fprintf(cli->out, "     \"%s\"\n", text);
	if (canonical[0] != '\0' && strcmp(canonical, asked) != 0)
		(void)fprintf(cli->out, "     by CNAME at %s\n", canonical);
	(void)fprintf(cli->out, "     DNSSEC: %s; TTL %lld s; took %lld ms\n",
		client_text(cli, r, "security"),
		(long long)client_int(r, "ttl"),
		(long long)client_int(r, "took_ms"));
}

/* The file as it came, each line with its number. */
static void print_file(struct cli *cli, const struct json *from)
{
	struct str rest = json_get_str(from, "text");
	unsigned number = 0;

	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');

		if (str_ends(line, STR("\r")))
			line.n--;
		(void)fprintf(cli->out, "     %3u | %s\n", ++number,
			printable(cli, line));
	}
	for (const struct json *v = json_first(from, "findings"); v != NULL;
		v = v->next)
		(void)fprintf(cli->out, "     line %lld: %s: %s (%s)\n",
			(long long)client_int(v, "line"),
			client_text(cli, v, "level"),
			printable(cli, json_get_str(v, "text")),
			client_text(cli, v, "rule"));
}

static void print_https(struct cli *cli, const struct json *https)
{
	const char *from = client_text(cli, https, "from");
	const char *issuer = client_text(cli, https, "issuer");

	if (from[0] != '\0')
		(void)fprintf(cli->out, "     From %s in %lld ms", from,
			(long long)client_int(https, "total_ms"));
	if (client_int(https, "status") != 0)
		(void)fprintf(cli->out, ", status %lld, %s",
			(long long)client_int(https, "status"),
			client_text(cli, https, "content_type"));
	(void)fprintf(cli->out, "\n     Certificate: %s",
		client_text(cli, https, "certificate"));
	if (client_int(https, "not_after") != 0)
		(void)fprintf(cli->out, ", until %s, by %s",
			client_time(cli, client_int(https, "not_after")),
			issuer);
	(void)fprintf(cli->out, "\n");
}

static void print_fetch(
	struct cli *cli, const struct json *f, const char *domain)
{
	bool good = json_true(json_get(f, "fetched"));
	const struct json *https = json_get(f, "https");

	(void)fprintf(cli->out,
		"Policy https://mta-sts.%s/.well-known/mta-sts.txt: %s%s%s\n",
		domain, good ? cli_green(cli) : cli_red(cli),
		good ? "fetched" : client_text(cli, f, "failure"),
		cli_plain(cli));
	print_note(cli, client_text(cli, f, "why"));
	for (const struct json *v = json_first(f, "addresses"); v != NULL;
		v = v->next)
		(void)fprintf(cli->out, "     Address %s\n",
			escaped(cli, json_str(v)));
	if (client_int(f, "refused_addresses") > 0)
		(void)fprintf(cli->out,
			"     %lld private or reserved addresses not asked\n",
			(long long)client_int(f, "refused_addresses"));
	if (https != NULL)
		print_https(cli, https);
	print_file(cli, f);
}

static void print_entry(
	struct cli *cli, const struct json *entry, int64_t now, bool stored)
{
	(void)fprintf(cli->out, "%s: %s%s%s, id %s, fetched %s, %s %s\n",
		stored ? "Cached now" : "Cached policy", cli_bold(cli),
		client_text(cli, entry, "mode"), cli_plain(cli),
		client_text(cli, entry, "id"),
		client_time(cli, client_int(entry, "fetched_at")),
		until_text(entry, now),
		client_time(cli, client_int(entry, "expires")));
}

/* A step that has nothing to show but its note. */
static const char *bare_step(const char *step)
{
	static const struct {
		const char *step, *text;
	} texts[] = {
		{ "cache", "Cache: nothing is known of this domain" },
		{ "record", "Record: not asked for" },
		{ "fetch", "Policy: not fetched" },
		{ "dane", "DANE: not looked up" },
		{ "late", "The mail server waits no longer" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(step, texts[i].step) == 0)
			return texts[i].text;
	return step;
}

struct steps {
	struct cli *cli;
	const char *domain;
	int64_t now;
	int number;
	bool file;   /* the policy file was printed */
	bool stored; /* and what is cached of it */
};

static void print_step(struct steps *s, const struct json *step)
{
	struct cli *cli = s->cli;
	const char *word = client_text(cli, step, "step");
	const struct json *v;

	(void)fprintf(cli->out, "%2d. ", ++s->number);
	if ((v = json_get(step, "dane")) != NULL) {
		print_dane(cli, v);
	} else if ((v = json_get(step, "record")) != NULL) {
		print_record(cli, v, s->domain);
	} else if ((v = json_get(step, "fetch")) != NULL) {
		print_fetch(cli, v, s->domain);
		s->file = json_get(v, "text") != NULL;
	} else if ((v = json_get(step, "entry")) != NULL) {
		s->stored |= strcmp(word, "stored") == 0;
		print_entry(cli, v, s->now, s->stored);
		if (!s->file)
			print_file(cli, v);
		s->file = true;
	} else if ((v = json_get(step, "rule")) != NULL) {
		(void)fprintf(cli->out, "Rule of yours for ");
		sender_print_rule(cli, v);
	} else {
		(void)fprintf(cli->out, "%s\n", bare_step(word));
	}
	print_note(cli, client_text(cli, step, "note"));
}

/* The decision has a section of its own; what was just stored is cached. */
static bool is_printed(const struct steps *s, const struct json *step)
{
	struct str word = json_get_str(step, "step");

	return !str_eq(word, STR("decision")) &&
	       !(s->stored && str_eq(word, STR("cache")));
}

static void print_mx_table(struct cli *cli, const struct json *answer)
{
	const struct json *v = json_first(answer, "mx");

	if (v == NULL)
		return;
	(void)fprintf(cli->out,
		"\nMX hosts and the patterns of the policy (RFC 8461 section "
		"4.1):\n");
	for (; v != NULL; v = v->next) {
		const char *pattern = client_text(cli, v, "pattern");

		if (pattern[0] != '\0')
			(void)fprintf(cli->out, "    %s matches %s\n",
				client_text(cli, v, "host"), pattern);
		else
			(void)fprintf(cli->out,
				"    %s%s matches none: it gets no mail under "
				"mode enforce%s\n",
				cli_red(cli), client_text(cli, v, "host"),
				cli_plain(cli));
	}
}

/* What the words of sts_decide mean to somebody who was woken up. */
static const char *why_text(const char *why)
{
	static const struct {
		const char *why, *text;
	} texts[] = {
		{ "rule-off", "a rule of yours switches it off" },
		{ "dane", "all MX hosts have usable TLSA records, so DANE "
			  "protects this mail and MTA-STS stays silent" },
		{ "dane-part", "some MX hosts have TLSA records" },
		{ "dane-temp", "it cannot be found out whether there is DANE, "
			       "so mail waits: look at the DNS of the domain "
			       "and at your resolver" },
		{ "sts-enforce", "its MTA-STS policy insists on authenticated "
				 "TLS" },
		{ "sts-no-mx", "its MTA-STS policy permits none of its MX "
			       "hosts; mail waits until its owner corrects "
			       "that" },
		{ "sts-testing", "its MTA-STS policy is in mode testing" },
		{ "sts-none", "its MTA-STS policy has mode none" },
		{ "sts-failed", "it has an MTA-STS record, but no policy could "
				"be fetched" },
		{ "sts-pending", "its policy is still being looked for" },
		{ "no-policy", "it has neither DANE nor MTA-STS" },
		{ "no-domain", "no policy can be for it" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(why, texts[i].why) == 0)
			return texts[i].text;
	return why;
}

static void print_short(struct cli *cli, const struct json *answer)
{
	const struct json *first = json_first(answer, "answers");
	bool differ = false;

	if (first == NULL)
		return;
	for (const struct json *v = first; v != NULL; v = v->next)
		differ |= !str_eq(
			json_get_str(v, "why"), json_get_str(first, "why"));
	if (!differ) {
		(void)fprintf(cli->out, "In short: %s.\n\n",
			why_text(client_text(cli, first, "why")));
		return;
	}
	(void)fprintf(cli->out, "In short, the profiles differ:\n");
	for (const struct json *v = first; v != NULL; v = v->next)
		(void)fprintf(cli->out, "    %s: %s\n",
			client_text(cli, v, "profile"),
			why_text(client_text(cli, v, "why")));
	(void)fprintf(cli->out, "\n");
}

static void print_answers(struct cli *cli, const struct json *answer)
{
	const struct json *v = json_first(answer, "answers");

	if (v != NULL)
		(void)fprintf(
			cli->out, "\nWhat each socketmap name is told:\n");
	for (; v != NULL; v = v->next)
		(void)fprintf(cli->out,
			"    %s%s%s (%s)\n      %s\n      TLS report: %s\n",
			cli_bold(cli), client_text(cli, v, "profile"),
			cli_plain(cli), client_text(cli, v, "why"),
			printable(cli, json_get_str(v, "reply")),
			client_text(cli, v, "report"));
}

int sender_verdict(const struct json *answer)
{
	int code = CLI_GOOD;

	for (const struct json *v = json_first(answer, "steps"); v != NULL;
		v = v->next) {
		const struct json *fetch = json_get(v, "fetch");
		struct str record = json_get_str(
			json_get(v, "record"), "result");

		if ((fetch != NULL && !json_true(json_get(fetch, "fetched"))) ||
			(record.p != NULL && !str_eq(record, STR("valid")) &&
				!str_eq(record, STR("none"))))
			code = CLI_WARNINGS;
	}
	for (const struct json *v = json_first(answer, "answers"); v != NULL;
		v = v->next)
		if (str_eq(json_get_str(v, "action"), STR("temp")) ||
			str_eq(json_get_str(v, "why"), STR("sts-no-mx")))
			code = CLI_ERRORS;
	return code;
}

int sender_print_explained(struct cli *cli, const struct json *answer)
{
	struct steps s = {
		.cli = cli,
		.domain = client_text(cli, answer, "domain"),
		.now = client_int(answer, "now"),
	};

	print_short(cli, answer);
	for (const struct json *v = json_first(answer, "steps"); v != NULL;
		v = v->next)
		if (is_printed(&s, v))
			print_step(&s, v);
	print_mx_table(cli, answer);
	print_answers(cli, answer);
	return sender_verdict(answer);
}
