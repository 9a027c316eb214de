/* SPDX-License-Identifier: Apache-2.0 */
/* report_mailbox: how the mailboxes of moat.conf fare, and a trial of one. */
#include "base/bug.h"
#include "cli/client.h"
#include "cli/report_mailbox.h"
#include "cli/table.h"

#include "base/poison.h"

#define PATH "/api/v1/mailboxes"

/* Longer than a log-in may take behind a pull that is under way. */
#define TRIAL_S 180

static bool any_fails(const struct json *list)
{
	const struct json *v = list != NULL ? list->first : NULL;

	for (; v != NULL; v = v->next)
		if (client_int(v, "failures") > 0)
			return true;
	return false;
}

static void print_list(struct cli *cli, const struct json *list)
{
	static const char *const heads[] = { "NAME", "USER", "LAST GOOD PULL",
		">MAILS", ">TOO LARGE", ">FAILURES" };
	struct table t = table_of(cli->arena, heads, 6);
	const struct json *v = list != NULL ? list->first : NULL;

	for (; v != NULL; v = v->next) {
		struct table_row *row = table_add(&t);

		row->cells[0] = table_text(&t, json_get_str(v, "name"));
		row->cells[1] = table_text(&t, json_get_str(v, "user"));
		row->cells[2] = str_of(
			client_time(cli, client_int(v, "pulled")));
		row->cells[3] = table_number(&t, client_int(v, "taken"));
		row->cells[4] = table_number(&t, client_int(v, "left"));
		row->cells[5] = table_number(&t, client_int(v, "failures"));
	}
	if (t.n == 0) {
		(void)fprintf(
			cli->out, "moat.conf has no section [mailbox NAME].\n");
		return;
	}
	table_print(cli, &t, "");
	for (v = list->first; v != NULL; v = v->next)
		if (client_int(v, "failures") > 0)
			(void)fprintf(cli->out, "\n%s: %s\n",
				client_text(cli, v, "name"),
				client_text(cli, v, "error"));
}

static int run_list(struct cli *cli)
{
	struct client_call call = { .method = "GET", .path = STR(PATH) };
	const struct json *answer, *list;
	int code = client_do(cli, &call, &answer);

	if (code != CLI_GOOD)
		return code;
	list = json_get(answer, "mailboxes");
	if (!cli->json)
		print_list(cli, list);
	return any_fails(list) ? CLI_WARNINGS : CLI_GOOD;
}

/* Has the role imap not tried yet? */
static bool is_waiting(const struct json *mailbox)
{
	const struct json *test = json_get(mailbox, "test");

	return client_int(test, "done") < client_int(test, "asked");
}

static int run_test(struct cli *cli, const char *name)
{
	struct client_call call = {
		.method = "POST", .body = STR("{}"), .quiet = true
	};
	struct str path = arena_fmt(cli->arena, PATH "/%s", name);
	const struct json *answer;
	const char *error;
	int code;

	call.path = arena_fmt(cli->arena, "%s/test", path.p);
	BUG(path.p == NULL || call.path.p == NULL);
	code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD)
		code = client_wait(cli, path, is_waiting, TRIAL_S, &answer);
	if (code != CLI_GOOD)
		return code;
	error = is_waiting(answer)
			? "nobody tried it; does the role imap run?"
			: client_text(cli, json_get(answer, "test"), "error");
	if (error[0] == '\0' && !cli->json)
		(void)fprintf(cli->out,
			"%s: logged in, and the folder %s is there.\n", name,
			client_text(cli, answer, "folder"));
	if (error[0] != '\0' && !cli->json)
		(void)fprintf(cli->err, "moat: %s: %s\n", name, error);
	if (is_waiting(answer))
		return CLI_UNTESTED;
	return error[0] == '\0' ? CLI_GOOD : CLI_ERRORS;
}

static bool is_name(const char *s)
{
	for (; *s != '\0'; s++)
		if (!chr_is_alnum(*s) && *s != '-' && *s != '_')
			return false;
	return true;
}

int report_mailbox_run(struct cli *cli, const struct args *args)
{
	const char *const *words = args->words.items;

	if (args->words.n == 0)
		return run_list(cli);
	if (args->words.n != 2 || !str_eq(str_of(words[0]), STR("test")) ||
		!is_name(words[1]))
		return cli_usage(cli,
			"no arguments, or test and the name of a mailbox in "
			"moat.conf");
	return run_test(cli, words[1]);
}
