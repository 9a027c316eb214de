/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_manual: prints the manual page moat.conf(5). It runs when moat is
 * built; the frame comes from standard input, "@SETTINGS@" in it is replaced
 * by what the table of settings says.
 */
#include <stdio.h>
#include <string.h>

#include "api/settings.h"

#include "base/poison.h"

#define LINE_BYTES_MAX 1024

/* Sentences begin on lines of their own in mdoc. */
static void print_doc(const char *doc)
{
	for (; *doc != '\0'; doc++) {
		if (doc[0] == '.' && doc[1] == ' ') {
			(void)fputs(".\n", stdout);
			doc++;
		} else {
			(void)fputc(*doc, stdout);
		}
	}
	(void)fputc('\n', stdout);
}

static void print_row(const struct setting_row *r)
{
	(void)printf(".It Ic %s Pq %s\n", r->key, setting_type_name(r->type));
	print_doc(r->doc);
	if (r->range != NULL)
		(void)printf("Allowed:\n.Ql %s .\n", r->range);
	if (r->value[0] != '\0')
		(void)printf("Default:\n.Ql %s .\n", r->value);
}

static void print_settings(void)
{
	const char *section = "";

	for (const struct setting_row *r = setting_rows; r->section != NULL;
		r++) {
		if (strcmp(section, r->section) != 0) {
			if (section[0] != '\0')
				(void)printf(".El\n");
			section = r->section;
			(void)printf(".Ss [%s]\n.Bl -tag -width Ds\n", section);
		}
		print_row(r);
	}
	(void)printf(".El\n");
}

int main(void)
{
	char line[LINE_BYTES_MAX];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, "@SETTINGS@\n") == 0)
			print_settings();
		else
			(void)fputs(line, stdout);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
