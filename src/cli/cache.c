/* SPDX-License-Identifier: Apache-2.0 */
/* cache: moat cache list|show|refresh|purge|pin. */
#include "api/settings.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/pages.h"
#include "cli/rule.h"
#include "cli/sender.h"
#include "cli/table.h"

#include "base/poison.h"

static void print_rows(struct cli *cli, const struct json *answer,
	const struct json *p, bool on)
{
	static const char *const heads[] = { "DOMAIN", "MODE", "STATE", "UNTIL",
		"FETCHED" };
	struct table t = table_of(cli->arena, heads, 5);
	int64_t now = client_int(answer, "now");

	t.no_heads = on;
	for (; p != NULL; p = p->next) {
		struct table_row *row = table_add(&t);

		row->cells[0] = table_text(&t, json_get_str(p, "domain"));
		row->cells[1] = table_text(&t, json_get_str(p, "mode"));
		row->cells[2] = str_of(sender_policy_state(p, now));
		row->cells[3] = str_of(
			client_time(cli, client_int(p, "expires")));
		row->cells[4] = str_of(
			client_time(cli, client_int(p, "fetched_at")));
	}
	table_print(cli, &t, "");
}

static int run_list(struct cli *cli, const struct args *args)
{
	static const struct pages pages = {
		.socket = SETTINGS_POLICY_SOCKET,
		.path = "/v1/cache?limit=1000",
		.member = "policies",
		.print = print_rows,
		.empty = "No policy is cached yet. They come as mail goes out "
			 "to domains that have one.",
	};

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	return pages_print(cli, &pages);
}

/* Makes one call about the domain named; *answer is set with CLI_GOOD. */
static int call_one(struct cli *cli, const struct args *args,
	const char *method, const char *verb, const struct json **answer)
{
	struct client_call call = { .socket = SETTINGS_POLICY_SOCKET,
		.method = method };

	if (args->words.n != 1)
		return cli_usage(cli, "exactly one domain is needed");
	call.path = sender_path(cli, "/v1/cache", args->words.items[0], verb);
	if (call.path.p == NULL)
		return CLI_USAGE;
	if (verb != NULL)
		call.body = STR("{}");
	return client_do(cli, &call, answer);
}

static int run_show(struct cli *cli, const struct args *args)
{
	const struct json *answer, *rules;
	int code = call_one(cli, args, "GET", NULL, &answer);

	if (code != CLI_GOOD || cli->json)
		return code;
	sender_print_policy(
		cli, json_get(answer, "policy"), client_int(answer, "now"));
	rules = json_get(answer, "rules");
	for (rules = rules != NULL ? rules->first : NULL; rules != NULL;
		rules = rules->next) {
		(void)fprintf(cli->out, "  Rule: ");
		sender_print_rule(cli, rules);
	}
	return CLI_GOOD;
}

static int run_refresh(struct cli *cli, const struct args *args)
{
	const struct json *answer;
	int code = call_one(cli, args, "POST", "refresh", &answer);

	if (code != CLI_GOOD)
		return code;
	return cli->json ? sender_verdict(answer)
			 : sender_print_explained(cli, answer);
}

static int run_purge(struct cli *cli, const struct args *args)
{
	const struct json *answer;
	int code = call_one(cli, args, "DELETE", NULL, &answer);

	if (code == CLI_GOOD && !cli->json)
		(void)fprintf(cli->out,
			"%s is forgotten. The next mail to it has its policy "
			"looked up as if for the first time. A rule for it "
			"stays: see moat rule list.\n",
			client_text(cli, answer, "domain"));
	return code;
}

static int run_pin(struct cli *cli, const struct args *args)
{
	if (args->words.n != 1)
		return cli_usage(cli, "exactly one domain is needed");
	return rule_set(cli, args, args->words.items[0], "pin", "*");
}

static const struct command verbs[] = {
	{ "list", "", "All policies of other domains that are cached", NULL,
		NULL, run_list },
	{ "show", "DOMAIN", "One of them, its history and rules", NULL, NULL,
		run_show },
	{ "refresh", "DOMAIN", "Fetch a policy now", NULL, NULL, run_refresh },
	{ "purge", "DOMAIN", "Forget a policy that is in force", NULL, NULL,
		run_purge },
	{ "pin", "DOMAIN", "Keep a cached policy whatever comes",
		rule_time_options, NULL, run_pin },
	{},
};

const struct command cmd_cache = {
	.name = "cache",
	.words = "",
	.summary = "Policies of other domains that were fetched",
	.verbs = verbs,
};
