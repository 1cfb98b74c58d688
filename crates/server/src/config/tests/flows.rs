use std::fs;

use super::*;
use crate::test_folder::TestFolder;

#[test]
fn flow_tables() {
    assert_errors_behind_tiny(&[
        (
            "[flows.a]\n",
            &["3:1+9 flow `a` has no actions | `actions`, or `file` for a JSON file"],
        ),
        (
            "[flows.a]\nactions = []\nfile = \"a.json\"\n",
            &["3:1+9 flow `a` has `actions` and a `file` | one of them"],
        ),
        (
            "[flows.a]\nfile = \"nowhere.json\"\n",
            &[
                "4:8+14 test/nowhere.json: No such file or directory (os error 2) | a JSON file, its path starting at the folder of this file",
            ],
        ),
    ]);
}

#[test]
fn actions_in_the_file() {
    assert_errors_behind_tiny(&[
        (
            "[flows.a]\nactions = [\n    { type = \"answer\" },\n    { type = \"ecko\" },\n]\n",
            &[
                "6:14+6 flow `a`: unknown action `ecko` | one of answer, branch, condition_variable, digits_receive, dtmf_receive, echo, goto, hangup, play, sleep, stop, stream_echo, variable_set | echo",
            ],
        ),
        (
            "[flows.a]\nactions = [{ type = \"sleep\", option = { duratoin = 5 } }]\n",
            &["4:41+8 flow `a`: unknown option `duratoin` | `duration` | duration"],
        ),
        (
            "[flows.a]\nactions = [{ type = \"sleep\", option = { duration = \"x\" } }]\n",
            &["4:52+3 flow `a`: found a string | a whole number"],
        ),
        (
            "[flows.a]\nactions = [{ typ = \"sleep\" }]\n",
            &["4:14+3 flow `a`: unknown name `typ` | `id`, `next_id`, `type`, `option` | type"],
        ),
        (
            "[flows.a]\nactions = [3]\n",
            &["4:12+1 flow `a`: found 3 | an action"],
        ),
        (
            "[[flows.a.actions]]\ntype = \"goto\"\n[flows.a.actions.option]\ntarget_id = \"nowhere\"\n",
            &["6:13+9 flow `a`: no action of this flow has the id `nowhere`"],
        ),
        (
            "[flows.a]\nactions = [\n  { id = \"x\", type = \"variable_set\", option = { key = \"k\", value = \"v\" } },\n  { id = \"y\", type = \"goto\", option = { target_id = \"x\" } },\n]\n",
            &[
                "5:3+72 flow `a`: a loop without an end, in which no action waits: `x` (variable_set) → `y` (goto) → `x` (variable_set); `loop_count` on a `goto` or an action that waits would end it",
            ],
        ),
    ]);
}

#[test]
fn the_dial_plan() {
    let flow = "[flows.echo]\nactions = [{ type = \"echo\" }]\n";
    let cases: &[(&str, &[&str])] = &[
        (
            "[[dial_plan]]\nflow = \"echo\"\n",
            &["5:1+13 an entry for no user | one of `user`, `prefix` and `pattern`"],
        ),
        (
            "[[dial_plan]]\nuser = \"a\"\n",
            &["5:1+13 an entry without a flow | `flow`, the name of one of the flows"],
        ),
        (
            "[[dial_plan]]\nuser = \"a\"\nprefix = \"b\"\nflow = \"echo\"\n",
            &["5:1+13 more than one of `user`, `prefix` and `pattern` | one of them"],
        ),
        (
            "[[dial_plan]]\nuser = \"a\"\nflow = \"ecko\"\n",
            &["7:8+6 there is no flow `ecko` | echo"],
        ),
        (
            "[[dial_plan]]\nuser = \"a\"\nflow = \"zzzzzz\"\n",
            &["7:8+8 there is no flow `zzzzzz`"],
        ),
        (
            "[[dial_plan]]\npattern = \"(a\"\nflow = \"echo\"\n",
            &["6:11+4 no regular expression: unclosed group"],
        ),
        (
            "[[dial_plan]]\nuser = \"a\"\nflow = \"echo\"\n[[dial_plan]]\nuser = \"a\"\nflow = \"echo\"\n",
            &["9:8+3 the same users have the entry of line 5 already"],
        ),
        (
            "[[dial_plan]]\nprefix = \"1\"\nflow = \"echo\"\n[[dial_plan]]\npattern = \"12.*\"\nflow = \"ecko\"\n",
            &[
                "9:11+6 every user it matches begins with `1`, and prefixes come first: entry of line 5",
                "10:8+6 there is no flow `ecko` | echo",
            ],
        ),
        // A flow that is there but wrong is no unknown flow.
        (
            "[[dial_plan]]\nuser = \"a\"\nflow = \"b\"\n[flows.b]\n",
            &["8:1+9 flow `b` has no actions | `actions`, or `file` for a JSON file"],
        ),
    ];
    for (text, expected) in cases {
        assert_errors_behind_tiny(&[(&format!("{flow}{text}"), *expected)]);
    }
}

/// A folder with a TOML file, whose flow `a` is in `a.json` with this text.
fn with_flow_file(name: &str, json: &str) -> Vec<String> {
    let folder = TestFolder::new(name);
    let toml = folder.path().join("s.toml");
    fs::write(&toml, format!("{TINY}[flows.a]\nfile = \"a.json\"\n")).unwrap();
    fs::write(folder.path().join("a.json"), json).unwrap();
    fs::create_dir(folder.path().join("media")).unwrap();
    fs::write(folder.path().join("media/there.wav"), "no WAV").unwrap();
    let try_prompt = |media: &Path, url: &str, max_prompt_s: u32| {
        assert_eq!(max_prompt_s, 600, "the default");
        assert!(media.join("there.wav").is_file());
        if url == "there.wav" {
            return Ok(());
        }
        Err(format!("{url} is not to my taste"))
    };
    match Config::load_with(&toml, &try_prompt) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .iter()
            .map(|error| {
                assert_eq!(error.file, folder.path().join("a.json"), "{error}");
                in_short(error)
            })
            .collect(),
    }
}

#[test]
fn actions_in_a_file_of_their_own() {
    let cases: &[(&str, &[&str])] = &[
        (
            "[\n  {\"type\": \"answer\"},\n",
            &["3:1+1 no JSON: EOF while parsing a value"],
        ),
        (
            "[\n  {\"type\": \"answer\"},\n  {\"type\": \"sleep\", \"option\": {\"duratoin\": 5}}\n]\n",
            &["3:32+10 flow `a`: unknown option `duratoin` | `duration` | duration"],
        ),
        (
            "{\"actions\": [\n  {\"type\": \"sleep\", \"option\": {\"duration\": \"x\"}}\n]}\n",
            &["2:44+3 flow `a`: found a string | a whole number"],
        ),
        (
            "[{\"type\": \"play\", \"option\": {\"stream_urls\": [\"there.wav\", \"file:there.wav\",\n\"gone.wav\", \"${variable}.wav\", \"../s.toml\", \"http://example.org/a.wav\"]}}]",
            &[
                "1:59+16 flow `a`: file:there.wav is not to my taste",
                "2:1+10 flow `a`: prompt \"gone.wav\": No such file or directory (os error 2)",
                "2:32+11 flow `a`: `../s.toml` leads outside the media folder",
                "2:45+26 flow `a`: prompt \"http://example.org/a.wav\": http: addresses cannot be played, only file: addresses and paths below the media folder",
            ],
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(with_flow_file("flow-file", json), *expected, "\n{json}");
    }
}

#[test]
fn the_folder_with_the_prompts_is_missed_when_a_flow_plays() {
    let play =
        "[flows.a]\nactions = [{ type = \"play\", option = { stream_urls = [\"x.wav\"] } }]\n";
    assert_errors_behind_tiny(&[
        (
            play,
            &[
                "3:1+9 prompts lie in test/media: No such file or directory (os error 2) | `media.folder`, the folder with the prompts",
            ],
        ),
        (
            &format!("[media]\nfolder = \"nowhere\"\n{play}"),
            &[
                "4:10+9 prompts lie in test/nowhere: No such file or directory (os error 2) | `media.folder`, the folder with the prompts",
            ],
        ),
    ]);
}

#[test]
fn errors_read_well() {
    let text = "[sip]\n\tt1_msec = 5\n";
    let errors = parse(text).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "test/s.toml:2:2: unknown name `t1_msec`\n\
         2 | \tt1_msec = 5\n  \
           | \t^^^^^^^\n  \
           = expected one of `listeners`, `server_name`, `t1_ms`, `t2_ms`, `t4_ms`\n  \
           = did you mean `t1_ms`?"
    );
    let missing = Config::load(Path::new("no/such.toml")).unwrap_err();
    assert_eq!(
        missing[0].to_string(),
        "no/such.toml: No such file or directory (os error 2)"
    );
}
