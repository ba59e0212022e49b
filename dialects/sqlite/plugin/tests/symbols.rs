//! placeholder
#[test] fn t() { let d = std::env::current_exe().unwrap(); for e in std::fs::read_dir(d.parent().unwrap()).unwrap() { let e=e.unwrap(); if e.file_name().to_string_lossy().contains("sqlite_plugin") { println!("{:?}", e.path()); } } panic!(); }
