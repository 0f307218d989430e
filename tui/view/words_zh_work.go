package view

// chineseWork is what is done with rules, runs, logs and versions.
func chineseWork() map[string]string {
	return map[string]string{
		" %s of %s": " %s / %s",
		" shows the rule that would allow it from now on; nothing is written yet": " 显示今后会允许它的规则；尚不写入",
		", for %s": "，范围 %s",
		"allow %s always, shows the rule that would allow it": "allow %s always，显示会允许它的规则",
		"leave it denied":                       "仍然拒绝",
		"or wider, with one of these words: %s": "或用下列词之一放宽：%s",
		"the gateway does not answer: without it the cage denies what it held": "网关没有应答：没有它，沙箱会拒绝所暂停的请求",
	}
}
