/* SPDX-License-Identifier: Apache-2.0 */
/* findings: what, where, why, and what to do. */
#include <string.h>

#include "base/bug.h"
#include "cli/findings.h"

#include "base/poison.h"

static size_t count(const struct finding_list *list, enum finding_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->items[i].level == level;
	return n;
}

static void print_count(const struct cli *cli, const struct finding_list *list,
	enum finding_level level)
{
	size_t n = count(list, level);

	if (n > 0)
		(void)fprintf(cli->out, ", %zu %s%s", n,
			finding_level_name(level), n == 1 ? "" : "s");
}

static const char *color_of(const struct cli *cli, enum finding_level level)
{
	switch (level) {
	case FINDING_ERROR:
		return cli_red(cli);
	case FINDING_WARNING:
		return cli_yellow(cli);
	case FINDING_NOTE:
		break;
	}
	return "";
}

static void print_one(const struct cli *cli, const struct finding *f)
{
	(void)fprintf(cli->out, "%s%-7s%s ", color_of(cli, f->level),
		finding_level_name(f->level), cli_plain(cli));
	if (f->id != NULL && f->id[0] != '\0')
		(void)fprintf(cli->out, "%s ", f->id);
	if (f->line > 0)
		(void)fprintf(cli->out, "line %u", f->line);
	if (f->line > 0 && f->column > 0)
		(void)fprintf(cli->out, ", column %u", f->column);
	(void)fprintf(cli->out, "%s%.*s\n", f->line > 0 ? ": " : "",
		STR_ARG(f->text));
	if (f->rule != NULL && f->rule[0] != '\0')
		(void)fprintf(cli->out, "        why: %s\n", f->rule);
	if (f->remedy != NULL && f->remedy[0] != '\0')
		(void)fprintf(cli->out, "        do:  %s\n", f->remedy);
}

int cli_findings_print(const struct cli *cli, const char *name,
	const char *verdict, const struct finding_list *list)
{
	const char *color = list->worst == FINDING_ERROR ? cli_red(cli)
							 : cli_green(cli);

	BUG(list->failed);
	(void)fprintf(cli->out, "%s: %s%s%s",
		strcmp(name, "-") == 0 ? "standard input" : name, color,
		verdict, cli_plain(cli));
	print_count(cli, list, FINDING_ERROR);
	print_count(cli, list, FINDING_WARNING);
	print_count(cli, list, FINDING_NOTE);
	(void)fprintf(cli->out, "\n");
	for (size_t i = 0; i < list->n; i++)
		print_one(cli, &list->items[i]);
	if (list->cut)
		(void)fprintf(cli->out, "... and more of them\n");
	return finding_verdict(list);
}

static void json_one(struct json_writer *w, const struct finding *f)
{
	json_open_object(w, NULL);
	if (f->id != NULL && f->id[0] != '\0')
		json_put_z(w, "id", f->id);
	json_put_z(w, "level", finding_level_name(f->level));
	if (f->line > 0)
		json_put_int(w, "line", f->line);
	if (f->column > 0)
		json_put_int(w, "column", f->column);
	json_put_str(w, "text", f->text);
	if (f->rule != NULL && f->rule[0] != '\0')
		json_put_z(w, "rule", f->rule);
	if (f->remedy != NULL && f->remedy[0] != '\0')
		json_put_z(w, "remedy", f->remedy);
	json_close_object(w);
}

int cli_findings_json(struct json_writer *w, const char *name,
	const char *verdict, const struct finding_list *list)
{
	BUG(list->failed);
	json_put_z(w, "name", name);
	json_put_z(w, "verdict", verdict);
	json_open_array(w, "findings");
	for (size_t i = 0; i < list->n; i++)
		json_one(w, &list->items[i]);
	json_close_array(w);
	if (list->cut)
		json_put_bool(w, "cut", true);
	return finding_verdict(list);
}
