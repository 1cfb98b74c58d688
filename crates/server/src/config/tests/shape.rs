use super::*;

#[test]
fn syntax() {
    assert_errors(&[
        ("[sip", &[]),
        ("a = 1\na = 2\n", &[]),
        ("# über\nü = 1\n", &[]),
        ("[a]\n\tb = 1 c = 2\n[[d\n", &[]),
        ("[http]\naddress = 127.0.0.1:80\n", &[]),
        ("x = \"open\ny = 1\n", &[]),
    ]);
}

#[test]
fn unknown_names() {
    assert_errors_behind_tiny(&[
        ("adress = \"\"\n", &[]),
        ("[sipp]\n", &[]),
        ("[media]\nport_rnage = [1, 2]\n", &[]),
        ("[media]\nzzz = 1\n", &[]),
        ("[[dial_plan]]\nusr = \"x\"\n", &[]),
        ("[flows.a]\nactoins = []\n", &[]),
    ]);
}

#[test]
fn wrong_types() {
    assert_errors_behind_tiny(&[
        ("[limits]\nmax_calls = \"many\"\n", &[]),
        ("[limits]\nmax_calls = -1\n", &[]),
        ("[limits]\nmax_calls = 1.5\n", &[]),
        ("[media]\nport_range = 20000\n", &[]),
        ("[media]\nport_range = [20000, \"x\"]\n", &[]),
        ("[media]\ncodecs = [\"PCMU\", \"PMCA\"]\n", &[]),
        ("[http]\nallow_remote = \"yes\"\n", &[]),
        ("[log]\nlevel = \"inof\"\n", &[]),
        ("[records]\nfile = 3\n", &[]),
        ("transport = \"upd\"\n", &[]),
        ("[flows.echo]\nactions = \"echo\"\n", &[]),
        ("[[log]]\nlevel = \"info\"\n", &[]),
    ]);
}

#[test]
fn several_at_once_in_the_order_of_the_file() {
    assert_errors(&[(
        "[media]\nport_range = [\"a\", 2]\nfodler = \"x\"\n\n[limits]\nmax_calls = true\n\
         max_cals = 3\n\n[[sip.listeners]]\naddress = 1\nport = 5060\n",
        &[],
    )]);
}
