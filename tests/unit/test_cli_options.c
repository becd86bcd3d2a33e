/* The parts of the client that need no agent: options, tables, help, progress. */
#include "agent/cli/cli.h"
#include "agent/cli/progress.h"
#include "agent/cli/table.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>

static const struct option_spec table[] = {
	OPTION('a', "all", all, NULL, "All of them"),
	OPTION('t', "tail", tail, "N", "The last N"),
	OPTION('e', "env", env, "NAME=VALUE", "A variable"),
	OPTION(0, "only", filters, "X=Y", "A filter"),
	OPTION(0, "json", json, NULL, "As JSON"),
	{ 0, NULL, NULL, NULL, 0 },
};

static struct options options;
static struct err err;
static char *words[300];
static int operands;

/* Splits at blanks; the words stay valid until the next call. */
static int parse(const char *line, bool operands_end)
{
	static char copy[2048];
	char *rest = copy, *word;
	int count = 0;

	options = (struct options){ 0 };
	err = ERR_INIT;
	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			words[count++] = word;
	return options_parse(&options, table, operands_end, count, words, &operands, &err);
}

static void options_in_all_their_forms(void)
{
	REQUIRE(parse("-a -t5 x --env A=1 --only a=1 -e B=2 -eC=3 --env=D=4 --only=b=2 --json y", false) == 0);
	CHECK_INT(options.filter_count, 2);
	CHECK_TEXT(options.filters[1], "b=2");
	CHECK(options.all && options.json && !options.quiet);
	CHECK_TEXT(options.tail, "5");
	CHECK_INT(options.env_count, 4);
	CHECK_TEXT(options.env[0], "A=1");
	CHECK_TEXT(options.env[2], "C=3");
	CHECK_TEXT(options.env[3], "D=4");
	CHECK_INT(operands, 2);
	CHECK_TEXT(words[0], "x");
	CHECK_TEXT(words[1], "y");
	REQUIRE(parse("-at 7", false) == 0);
	CHECK(options.all);
	CHECK_TEXT(options.tail, "7");
	REQUIRE(parse("--all=false --tail= -t=9", false) == 0);
	CHECK(!options.all);
	CHECK_TEXT(options.tail, "9");
}

static void operands_may_end_the_options(void)
{
	REQUIRE(parse("-a box ls -a --tail", true) == 0);
	CHECK_INT(operands, 4);
	CHECK_TEXT(words[0], "box");
	CHECK_TEXT(words[3], "--tail");
	CHECK(!options.tail);
	REQUIRE(parse("x -- -a - --json", false) == 0);
	CHECK_INT(operands, 4);
	CHECK_TEXT(words[1], "-a");
	CHECK_TEXT(words[2], "-");
	CHECK(!options.all && !options.json);
	REQUIRE(parse("- -a", false) == 0);
	CHECK_INT(operands, 1);
	CHECK(options.all);
}

static void bad_options_are_told(void)
{
	CHECK_INT(parse("--al", false), -EINVAL);
	CHECK_TEXT(err.text, "unknown option --al");
	CHECK_INT(parse("-ax", false), -EINVAL);
	CHECK_TEXT(err.text, "unknown option -x");
	CHECK_INT(parse("x --tail", false), -EINVAL);
	CHECK_TEXT(err.text, "--tail needs a value: N");
	CHECK_INT(parse("-t", false), -EINVAL);
	CHECK_INT(parse("--all=maybe", false), -EINVAL);
	CHECK_TEXT(err.text, "--all takes true or false, not \"maybe\"");
}

static void the_number_of_variables_is_limited(void)
{
	char line[2048] = "";

	for (int i = 0; i < OPTIONS_ENV_MAX; i++)
		strcat(line, "-ex ");
	CHECK_INT(parse(line, false), 0);
	CHECK(!options.env[OPTIONS_ENV_MAX]);
	strcat(line, "-ex ");
	CHECK_INT(parse(line, false), -EINVAL);
}

/* What a function prints, as text that lives until the next call. */
static const char *printed(void (*print)(FILE *out, const void *what), const void *what)
{
	static char *text;
	static size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	print(out, what);
	fclose(out);
	return text;
}

static void print_options(FILE *out, const void *what)
{
	options_print(what, out);
}

static void help_comes_from_the_table(void)
{
	CHECK_TEXT(printed(print_options, table), "  -a, --all             All of them\n"
						  "  -t, --tail N          The last N\n"
						  "  -e, --env NAME=VALUE  A variable\n"
						  "      --only X=Y        A filter\n"
						  "      --json            As JSON\n");
}

static void print_table(FILE *out, const void *what)
{
	table_print(what, out);
}

static void tables_look_like_dockers(void)
{
	struct table t = TABLE_INIT;

	table_cell(&t, "NAME");
	table_cell(&t, "LONG HEADING");
	table_cell(&t, "LAST");
	table_end_row(&t);
	table_cell(&t, "abcdefghi");
	table_cell(&t, "é…");
	table_cell_format(&t, "%d\033[2J", 7);
	table_end_row(&t);
	table_cell(&t, "x");
	table_cell(&t, "");
	table_cell(&t, "");
	table_end_row(&t);
	CHECK_TEXT(printed(print_table, &t), "NAME        LONG HEADING   LAST\n"
					     "abcdefghi   é…             7?[2J\n"
					     "x                          \n");
	table_release(&t);
	table_cell(&t, "a");
	table_cell(&t, "b");
	table_end_row(&t);
	CHECK_TEXT(printed(print_table, &t), "a         b\n");
	table_release(&t);
}

static void suggests_the_nearest_command(void)
{
	CHECK_TEXT(cli_nearest_command("stauts"), "status");
	CHECK_TEXT(cli_nearest_command("log"), "logs");
	CHECK_TEXT(cli_nearest_command("excec"), "exec");
	CHECK_TEXT(cli_nearest_command("image"), "images");
	CHECK(!cli_nearest_command("xyzzy"));
	CHECK(!cli_nearest_command("qq"));
	CHECK(!cli_nearest_command("averyveryverylongwordthatisnocommand"));
}

static void print_one_help(FILE *out, const void *what)
{
	cli_print_command_help(what, out);
}

static void every_command_has_help(void)
{
	for (const struct cli_command *command = cli_commands; command->name; command++) {
		const char *text = printed(print_one_help, command);

		CHECK(cli_find_command(command->name) == command);
		CHECK_HAS(text, "Usage: berth ");
		CHECK_HAS(text, command->summary);
		CHECK(!command->details || command->details[strlen(command->details) - 1] == '\n');
	}
	CHECK(!cli_find_command("none"));
}

static const char *bar(int64_t current, int64_t total, int columns)
{
	static char text[128];

	progress_bar(text, sizeof(text), current, total, columns);
	return text;
}

static void bars_fit_the_terminal(void)
{
	CHECK_TEXT(bar(0, 100, 76), "[>                   ]       0B/100B");
	CHECK_TEXT(bar(50000, 100000, 76), "[==========>         ]     50kB/100kB");
	CHECK_TEXT(bar(100, 100, 76), "[===================>]     100B/100B");
	CHECK_TEXT(bar(7, 100, 60), "      7B/100B");
	CHECK_TEXT(bar(7, 0, 120), "      7B");
	CHECK_TEXT(bar(7, 5, 120), "      7B");
	CHECK_INT(strlen(bar(1, 3, 500)), 50 + 2 + 1 + 8 + 3);
}

struct feed {
	const char *text;
	bool is_terminal, is_quiet;
	int rc;
};

/* In pieces of 7 bytes. */
static void print_feed(FILE *out, const void *what)
{
	struct feed *feed = (struct feed *)what;
	struct progress progress = { .out = out, .columns = 80, .is_quiet = feed->is_quiet };
	size_t size = strlen(feed->text);

	progress.is_terminal = feed->is_terminal;
	feed->rc = 0;
	for (size_t at = 0; at < size && !feed->rc; at += 7)
		feed->rc = progress_feed(&progress, feed->text + at, size - at < 7 ? size - at : 7,
					 &err);
	progress_release(&progress);
}

static const char pull[] =
	"{\"status\":\"Pulling from a/b\",\"id\":\"v1\"}\r\n"
	"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":4},\"id\":\"aa\"}\r\n"
	"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":2,\"total\":4},\"id\":\"aa\"}\r\n"
	"{\"status\":\"Downloading\",\"progressDetail\":{\"current\":3,\"total\":4},\"id\":\"bb\"}\r\n"
	"{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aa\"}\r\n"
	"{\"status\":\"Digest: x\\u001b\"}\r\n";

static void progress_is_plain_lines_in_a_file(void)
{
	struct feed feed = { .text = pull };

	CHECK_TEXT(printed(print_feed, &feed), "v1: Pulling from a/b\naa: Downloading\nbb: Downloading\n"
					       "aa: Pull complete\nDigest: x?\n");
	CHECK_INT(feed.rc, 0);
	feed.is_quiet = true;
	CHECK_TEXT(printed(print_feed, &feed), "");
}

static void progress_is_kept_up_to_date_on_a_terminal(void)
{
	struct feed feed = { .text = pull, .is_terminal = true };

	CHECK_TEXT(printed(print_feed, &feed),
		   "v1: Pulling from a/b\n"
		   "\n\033[1A\033[2K\raa: Downloading [======>                 ]       1B/4B\033[1B\r"
		   "\033[1A\033[2K\raa: Downloading [============>           ]       2B/4B\033[1B\r"
		   "\n\033[1A\033[2K\rbb: Downloading [==================>     ]       3B/4B\033[1B\r"
		   "\033[2A\033[2K\raa: Pull complete \033[2B\r"
		   "Digest: x?\n");
}

static void errors_in_the_stream_are_errors(void)
{
	struct feed feed = { .text = "{\"errorDetail\":{\"message\":\"no\"},\"error\":\"no such tag\"}\r\n" };

	CHECK_TEXT(printed(print_feed, &feed), "");
	CHECK_INT(feed.rc, -EREMOTEIO);
	CHECK_TEXT(err.text, "no such tag");
	feed.text = "rubbish\n";
	printed(print_feed, &feed);
	CHECK_INT(feed.rc, -EPROTO);
}

int main(void)
{
	RUN(options_in_all_their_forms);
	RUN(operands_may_end_the_options);
	RUN(bad_options_are_told);
	RUN(the_number_of_variables_is_limited);
	RUN(help_comes_from_the_table);
	RUN(tables_look_like_dockers);
	RUN(suggests_the_nearest_command);
	RUN(every_command_has_help);
	RUN(bars_fit_the_terminal);
	RUN(progress_is_plain_lines_in_a_file);
	RUN(progress_is_kept_up_to_date_on_a_terminal);
	RUN(errors_in_the_stream_are_errors);
	printed(print_options, table);
	return test_end();
}
