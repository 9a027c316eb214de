/* SPDX-License-Identifier: Apache-2.0 */
/* report_explain: moat report explain, and the same texts below tables. */
#include "cli/report_explain.h"
#include "proto/tlsrpt_meaning.h"

#include "base/poison.h"

#define LINE 78u
#define LABEL 14u

/* "LABEL text" in lines of 78, the later ones below the text. */
static void print_line(
	const struct cli *cli, const char *label, struct str text)
{
	size_t at = LABEL;

	if (text.n == 0)
		return;
	(void)fprintf(cli->out, "%-*s", (int)LABEL, label);
	while (text.p != NULL) {
		struct str word = str_cut(&text, ' ');

		if (at > LABEL && at + 1 + word.n > LINE) {
			(void)fprintf(cli->out, "\n%*s", (int)LABEL, "");
			at = LABEL;
		}
		if (at > LABEL) {
			(void)fputc(' ', cli->out);
			at++;
		}
		(void)fprintf(cli->out, "%.*s", STR_ARG(word));
		at += word.n;
	}
	(void)fputc('\n', cli->out);
}

static void print_head(const struct cli *cli, struct str name)
{
	(void)fprintf(cli->out, "%s%.*s%s\n", cli_bold(cli), STR_ARG(name),
		cli_plain(cli));
}

/* The texts are the catalogue's own: nothing a stranger wrote. */
void report_explain_print(const struct cli *cli, const struct json *meaning,
	const struct json *judgement)
{
	print_head(cli, json_get_str(meaning, "name"));
	print_line(cli, "  what", json_get_str(meaning, "what"));
	print_line(cli, "  whose side", json_get_str(meaning, "side"));
	print_line(cli, "  seen", json_get_str(judgement, "text"));
	print_line(cli, "  to do", json_get_str(meaning, "todo"));
	print_line(cli, "  checks", json_get_str(meaning, "checks"));
}

static void print_meaning(const struct cli *cli, const struct tlsrpt_meaning *m)
{
	print_head(cli, str_of(m->name));
	print_line(cli, "  what", str_of(m->what));
	print_line(cli, "  whose side", str_of(m->side));
	print_line(cli, "  to do", str_of(m->todo));
	print_line(cli, "  checks", str_of(m->checks));
}

bool report_explain_result(const struct cli *cli, struct str type)
{
	enum tlsrpt_result result = tlsrpt_result_of(type);

	if (result == TLSRPT_RESULT_OTHER)
		return false;
	(void)fputc('\n', cli->out);
	print_meaning(cli, tlsrpt_meaning_of(result));
	return true;
}

static void put_meaning(struct json_writer *w, const struct tlsrpt_meaning *m)
{
	json_open_object(w, NULL);
	json_put_z(w, "name", m->name);
	json_put_z(w, "what", m->what);
	json_put_z(w, "side", m->side);
	json_put_z(w, "todo", m->todo);
	json_put_z(w, "checks", m->checks);
	json_close_object(w);
}

/* By the name of a result type, else as a reason; NULL: neither. */
static const struct tlsrpt_meaning *find(struct str word)
{
	enum tlsrpt_result result = tlsrpt_result_of(word);

	return result == TLSRPT_RESULT_OTHER ? tlsrpt_reason_of(word)
					     : tlsrpt_meaning_of(result);
}

static int explain_words(struct cli *cli, const struct args *args,
	void (*say)(void *, const struct tlsrpt_meaning *), void *ctx)
{
	int code = CLI_GOOD;

	for (size_t i = 0; i < args->words.n; i++) {
		const struct tlsrpt_meaning *m = find(
			str_of(args->words.items[i]));

		if (m != NULL) {
			say(ctx, m);
			continue;
		}
		code = CLI_WARNINGS;
		(void)fprintf(cli->err,
			"%s: neither a result type nor a reason that is "
			"known\n",
			args->words.items[i]);
	}
	return code;
}

static void explain_all(
	void (*say)(void *, const struct tlsrpt_meaning *), void *ctx)
{
	for (int i = 0; i < TLSRPT_RESULTS; i++)
		say(ctx, tlsrpt_meaning_of((enum tlsrpt_result)i));
	for (const struct tlsrpt_meaning *m = tlsrpt_reasons; m->name != NULL;
		m++)
		say(ctx, m);
}

static void say_text(void *ctx, const struct tlsrpt_meaning *m)
{
	print_meaning(ctx, m);
}

static void say_json(void *ctx, const struct tlsrpt_meaning *m)
{
	put_meaning(ctx, m);
}

int report_explain_run(struct cli *cli, const struct args *args)
{
	void (*say)(void *, const struct tlsrpt_meaning *) = cli->json
								     ? say_json
								     : say_text;
	struct sbuf b = {};
	struct json_writer w = {};
	void *ctx = cli->json ? (void *)&w : cli;
	int code = CLI_GOOD;

	if (cli->json) {
		w = cli_json_begin(cli, &b);
		json_open_array(&w, NULL);
	}
	if (args->words.n == 0)
		explain_all(say, ctx);
	else
		code = explain_words(cli, args, say, ctx);
	if (cli->json) {
		json_close_array(&w);
		cli_json_end(cli, &b);
	}
	return code;
}
