/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup: moat setup: the provider's own names. Without a running moatd it asks
 * for them (or takes them as options) and writes the lines of moat.conf; with
 * --check it asks the running one whether the records are published.
 */
#include <string.h>
#include <unistd.h>

#include "api/settings.h"
#include "cli/client.h"
#include "cli/commands.h"

#include "base/poison.h"

#define ANSWER_MAX 512

static const struct question {
	const char *option, *setting, *ask;
} questions[] = {
	{ "zone", "dns.zone",
		"The zone that customers' CNAMEs lead into, say "
		"sts.example.net" },
	{ "name-servers", "dns.name_servers",
		"The public names of its name servers, say ns1.example.net "
		"ns2.example.net" },
	{ "name-server-addresses", "dns.name_server_addresses",
		"For name servers inside the zone: NAME=ADDRESS each; empty "
		"if there are none" },
	{ "addresses", "edge.addresses",
		"The public IP addresses where moat answers HTTPS" },
	{ "report-host", "report.host",
		"The host that takes TLS reports, say rua.example.net" },
	{ "console-host", "console.host",
		"The host of the console; empty for none" },
};
#define QUESTIONS (sizeof(questions) / sizeof(*questions))

static const struct arg_row options[] = {
	{ "zone", "NAME", "the zone behind customers' CNAMEs", 0, false },
	{ "name-servers", "NAMES", "its public name servers", 0, false },
	{ "name-server-addresses", "NAME=IP", "addresses of those in the zone",
		0, false },
	{ "addresses", "IPS", "public addresses of the edge", 0, false },
	{ "report-host", "NAME", "the host that takes TLS reports", 0, false },
	{ "console-host", "NAME", "the host of the console", 0, false },
	{ "check", NULL, "ask DNS whether the records are there", 0, false },
	{},
};

/* An empty line keeps what is there; false at the end of the input. */
static bool ask_one(
	struct cli *cli, struct settings *set, const struct question *q)
{
	char line[ANSWER_MAX];
	struct err e = {};
	struct str text;

	for (;;) {
		(void)fprintf(cli->err, "%s\n  [%s] ", q->ask,
			settings_str(set, q->setting).p);
		if (fgets(line, sizeof(line), stdin) == NULL)
			return false;
		text = str_upto(str_of(line), strcspn(line, "\r\n"));
		if (text.n == 0 ||
			settings_set(set, q->setting, text, &e) == ST_OK)
			return true;
		(void)fprintf(cli->err, "  %s\n", e.text);
	}
}

/* Options first; what they leave open is asked, if a person is there. */
static int fill(struct cli *cli, const struct args *args, struct settings *set)
{
	bool any = false;
	struct err e = {};

	for (size_t i = 0; i < QUESTIONS; i++) {
		const char *value = args_get(args, questions[i].option);

		if (value == NULL)
			continue;
		any = true;
		if (settings_set(set, questions[i].setting, str_of(value),
			    &e) != ST_OK)
			return cli_usage(cli, "%s", e.text);
	}
	if (any || cli->json || isatty(STDIN_FILENO) != 1)
		return CLI_GOOD;
	for (size_t i = 0; i < QUESTIONS; i++)
		if (!ask_one(cli, set, &questions[i]))
			break;
	(void)fprintf(cli->err, "\n");
	return CLI_GOOD;
}

/* ---- records, from the settings alone */

struct printer {
	struct cli *cli;
	struct json_writer *w; /* NULL: text */
};

static void print_record(const struct printer *p, struct str owner,
	const char *type, struct str value, const char *why)
{
	if (p->w == NULL) {
		(void)fprintf(p->cli->out, "  %.*s. %s %.*s%s   ; %s\n",
			STR_ARG(owner), type, STR_ARG(value),
			type[0] == 'A' ? "" : ".", why);
		return;
	}
	json_open_object(p->w, NULL);
	json_put_str(p->w, "owner", owner);
	json_put_z(p->w, "type", type);
	json_put_str(p->w, "value", value);
	json_put_z(p->w, "why", why);
	json_close_object(p->w);
}

static const char *ip_type(struct str ip)
{
	return str_index(ip, ':') >= 0 ? "AAAA" : "A";
}

static void print_hosts(const struct printer *p, const struct settings *set,
	const char *setting, const char *why)
{
	struct str owner = settings_str(set, setting);
	size_t n;
	const struct str *ips = settings_list(set, "edge.addresses", &n);

	for (size_t i = 0; owner.n > 0 && i < n; i++)
		print_record(p, owner, ip_type(ips[i]), ips[i], why);
}

static void print_records(const struct printer *p, const struct settings *set)
{
	struct str zone = settings_str(set, "dns.zone");
	struct str rua = settings_str(set, "report.host");
	size_t n;
	const struct str *list = settings_list(set, "dns.name_servers", &n);

	for (size_t i = 0; zone.n > 0 && i < n; i++)
		print_record(p, zone, "NS", list[i],
			"delegation, in the zone above");
	list = settings_list(set, "dns.name_server_addresses", &n);
	for (size_t i = 0; i < n; i++) {
		struct str ip = list[i], name = str_cut(&ip, '=');

		print_record(p, name, ip_type(ip), ip,
			"glue, beside the delegation");
	}
	print_hosts(p, set, "report.host", "report intake");
	if (rua.n > 0)
		print_record(p, rua, "MX",
			arena_fmt(p->cli->arena, "10 %.*s", STR_ARG(rua)),
			"or the mail server that hands reports to moat");
	print_hosts(p, set, "console.host", "console");
}

/* Only what is set, each section's head before its first line. */
static void print_conf(struct cli *cli, const struct settings *set)
{
	struct str open = {};

	(void)fprintf(cli->out, "These lines belong into %s:\n\n",
		cli->conf != NULL ? cli->conf : SETTINGS_FILE);
	for (size_t i = 0; i < QUESTIONS; i++) {
		struct str value = settings_str(set, questions[i].setting);
		struct str key = str_of(questions[i].setting);
		struct str section = str_cut(&key, '.');

		if (value.n == 0)
			continue;
		if (!str_eq(section, open))
			(void)fprintf(cli->out, "[%.*s]\n", STR_ARG(section));
		open = section;
		(void)fprintf(cli->out, "%.*s = %.*s\n", STR_ARG(key),
			STR_ARG(value));
	}
}

/* ---- what the running moatd sees */

static int check(struct cli *cli)
{
	struct client_call call = { .method = "GET",
		.path = STR("/api/v1/setup?check=yes") };
	const struct json *answer, *r;
	int code = client_do(cli, &call, &answer), verdict = CLI_GOOD;

	if (code != CLI_GOOD)
		return code;
	r = json_get(answer, "missing");
	for (r = r != NULL ? r->first : NULL; r != NULL; r = r->next) {
		verdict = CLI_ERRORS;
		if (!cli->json)
			(void)fprintf(cli->out, "NO  setting %s: %s\n",
				client_text(cli, r, "setting"),
				client_text(cli, r, "why"));
	}
	r = json_get(answer, "records");
	for (r = r != NULL ? r->first : NULL; r != NULL; r = r->next) {
		bool pass = str_eq(json_get_str(r, "result"), STR("pass"));
		bool fail = str_eq(json_get_str(r, "result"), STR("fail"));

		if (fail)
			verdict = CLI_ERRORS;
		else if (!pass && verdict == CLI_GOOD)
			verdict = CLI_UNTESTED;
		if (!cli->json)
			(void)fprintf(cli->out, "%s%s. %s %s   %s\n",
				pass   ? "ok  "
				: fail ? "NO  "
				       : "??  ",
				client_text(cli, r, "owner"),
				client_text(cli, r, "type"),
				client_text(cli, r, "value"),
				pass ? "" : client_text(cli, r, "detail"));
	}
	return verdict;
}

static void print_all(struct cli *cli, const struct settings *set)
{
	struct printer p = { .cli = cli };
	struct json_writer w;
	struct sbuf b;

	if (!cli->json) {
		print_conf(cli, set);
		(void)fprintf(cli->out,
			"\nPublish these records in your own DNS:\n\n");
		print_records(&p, set);
		(void)fprintf(cli->out,
			"\nThen start moatd again and check:  moat setup "
			"--check\n");
		return;
	}
	w = cli_json_begin(cli, &b);
	p.w = &w;
	json_open_object(&w, NULL);
	json_open_object(&w, "settings");
	for (size_t i = 0; i < QUESTIONS; i++)
		json_put_str(&w, questions[i].setting,
			settings_str(set, questions[i].setting));
	json_close_object(&w);
	json_open_array(&w, "records");
	print_records(&p, set);
	json_close_array(&w);
	json_close_object(&w);
	cli_json_end(cli, &b);
}

static int run(struct cli *cli, const struct args *args)
{
	struct settings *set = NULL;
	struct err e = {};
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	if (args_flag(args, "check"))
		return check(cli);
	if (client_settings(cli, &set, &e) != ST_OK)
		return cli_failed(cli, &e);
	code = fill(cli, args, set);
	if (code == CLI_GOOD && settings_str(set, "dns.zone").n == 0)
		code = cli_usage(cli,
			"the zone is not known: give --zone and the other "
			"names, or run it on a terminal to be asked");
	if (code == CLI_GOOD)
		print_all(cli, set);
	settings_free(&set);
	return code;
}

const struct command cmd_setup = {
	.name = "setup",
	.words = "",
	.summary = "The provider's names: what to configure and to publish",
	.options = options,
	.run = run,
};
