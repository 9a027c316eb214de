/* SPDX-License-Identifier: Apache-2.0 */
/* rule: moat rule list|set|remove. */
#include "cli/rule.h"

#include <string.h>

#include "api/settings.h"
#include "base/clock.h"
#include "base/num.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/sender.h"
#include "cli/table.h"

#include "base/poison.h"

#define BODY_BYTES_MAX 65536u
#define HOUR_S 3600

const struct arg_row rule_time_options[] = {
	{ "reason", "TEXT", "why, for whoever finds it later", 0, false },
	{ "until", "DATE", "when it ends: 2026-12-31, a time, or 12h, 30d", 0,
		false },
	{},
};

static const struct arg_row set_options[] = {
	{ "profile", "NAME", "only for this socketmap name", 0, false },
	{ "reason", "TEXT", "why, for whoever finds it later", 0, false },
	{ "until", "DATE", "when it ends: 2026-12-31, a time, or 12h, 30d", 0,
		false },
	{},
};

static const struct arg_row remove_options[] = {
	{ "profile", "NAME", "the rule of this socketmap name", 0, false },
	{},
};

/* A day lasts until its end; "12h" and "30d" count from now. */
static enum status read_until(struct cli *cli, const char *text, int64_t *out)
{
	struct str s = str_of(text);
	struct unix_time now = clock_now(clock_system()), t;
	bool zoned;
	uint32_t n;

	if (s.n > 1 && (s.p[s.n - 1] == 'd' || s.p[s.n - 1] == 'h') &&
		num_u32(str_upto(s, s.n - 1), 1, 100000, &n) == ST_OK) {
		*out = now.s +
		       (int64_t)n * (s.p[s.n - 1] == 'd' ? UTC_DAY_S : HOUR_S);
		return ST_OK;
	}
	if (str_index(s, 'T') < 0)
		s = arena_fmt(cli->arena, "%sT23:59:59Z", text);
	if (utc_parse(s, &zoned, &t) != ST_OK || t.s <= now.s)
		return ST_INVALID;
	*out = t.s;
	return ST_OK;
}

static int write_body(struct cli *cli, const struct args *args,
	const char *rule, const char *profile, struct str *body)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	const char *reason = args_get(args, "reason");
	const char *until = args_get(args, "until");
	int64_t end = 0;

	if (until != NULL && read_until(cli, until, &end) != ST_OK)
		return cli_usage(cli,
			"--until %s is no time to come: write 2026-12-31, "
			"2026-12-31T18:00:00Z, 12h or 30d",
			until);
	json_open_object(&w, NULL);
	json_put_z(&w, "rule", rule);
	json_put_z(&w, "profile", profile);
	if (reason != NULL)
		json_put_z(&w, "reason", reason);
	if (until != NULL)
		json_put_int(&w, "until", end);
	json_close_object(&w);
	if (!sbuf_ok(&b))
		return cli_usage(cli, "the reason is too long");
	*body = sbuf_str(&b);
	return CLI_GOOD;
}

int rule_set(struct cli *cli, const struct args *args, const char *domain,
	const char *rule, const char *profile)
{
	struct client_call call = { .socket = SETTINGS_POLICY_SOCKET,
		.method = "PUT",
		.path = sender_path(cli, "/v1/rules", domain, NULL) };
	const struct json *answer;
	int code;

	if (call.path.p == NULL)
		return CLI_USAGE;
	code = write_body(cli, args, rule, profile, &call.body);
	if (code == CLI_GOOD)
		code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		sender_print_rule(cli, json_get(answer, "rule"));
	return code;
}

static const char *profile_of(const struct args *args)
{
	const char *given = args_get(args, "profile");

	return given != NULL ? given : "*";
}

static bool is_rule(const char *word)
{
	static const char *const rules[] = { "off", "enforce", "testing",
		"pin" };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (strcmp(word, rules[i]) == 0)
			return true;
	return false;
}

static int run_set(struct cli *cli, const struct args *args)
{
	if (args->words.n != 2 || !is_rule(args->words.items[1]))
		return cli_usage(cli, "a domain and a rule are needed: off, "
				      "enforce, testing or pin");
	return rule_set(cli, args, args->words.items[0], args->words.items[1],
		profile_of(args));
}

static int run_remove(struct cli *cli, const struct args *args)
{
	struct client_call call = { .socket = SETTINGS_POLICY_SOCKET,
		.method = "DELETE" };
	const struct json *answer;
	struct str path;
	int code;

	if (args->words.n != 1)
		return cli_usage(cli, "exactly one domain is needed");
	path = sender_path(cli, "/v1/rules", args->words.items[0], NULL);
	if (path.p == NULL)
		return CLI_USAGE;
	call.path = arena_fmt(
		cli->arena, "%s?profile=%s", path.p, profile_of(args));
	code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		(void)fprintf(cli->out, "The rule for %s is removed.\n",
			client_text(cli, answer, "domain"));
	return code;
}

static void print_rules(struct cli *cli, const struct json *answer)
{
	static const char *const heads[] = { "DOMAIN", "RULE", "PROFILE",
		"UNTIL", "SET", "REASON" };
	struct table t = table_of(cli->arena, heads, 6);
	const struct json *v = json_first(answer, "rules");

	for (; v != NULL; v = v->next) {
		struct table_row *row = table_add(&t);
		int64_t until = client_int(v, "until");

		row->cells[0] = table_text(&t, json_get_str(v, "domain"));
		row->cells[1] = table_text(&t, json_get_str(v, "rule"));
		row->cells[2] = table_text(&t, json_get_str(v, "profile"));
		row->cells[3] = str_of(
			until == 0 ? "removed" : client_time(cli, until));
		if (!json_true(json_get(v, "in_force")))
			row->cells[3] = STR("expired");
		row->cells[4] = str_of(
			client_time(cli, client_int(v, "set_at")));
		row->cells[5] = table_text(&t, json_get_str(v, "reason"));
	}
	if (t.n == 0)
		(void)fprintf(cli->out, "No rules: every domain gets what DNS "
					"and its policy say.\n");
	else
		table_print(cli, &t, "");
}

static int run_list(struct cli *cli, const struct args *args)
{
	struct client_call call = { .socket = SETTINGS_POLICY_SOCKET,
		.method = "GET",
		.path = STR("/v1/rules") };
	const struct json *answer;
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		print_rules(cli, answer);
	return code;
}

static const struct command verbs[] = {
	{ "list", "", "All rules for single domains", NULL, NULL, run_list },
	{ "set", "DOMAIN off|enforce|testing|pin",
		"Make an exception for a domain", set_options, NULL, run_set },
	{ "remove", "DOMAIN", "Take an exception back", remove_options, NULL,
		run_remove },
	{},
};

const struct command cmd_rule = {
	.name = "rule",
	.words = "",
	.summary = "Exceptions from what other domains' policies say",
	.verbs = verbs,
};
