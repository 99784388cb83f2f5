package check

import (
	"fmt"
	"math"
	"reflect"
	"strings"
)

func isNumber(v any) bool {
	switch reflect.ValueOf(v).Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

func toFloat(v any) float64 {
	r := reflect.ValueOf(v)
	switch {
	case !r.IsValid():
		return 0
	case r.CanInt():
		return float64(r.Int())
	case r.CanUint():
		return float64(r.Uint())
	case r.CanFloat():
		return r.Float()
	}
	return 0
}

func toInt(v any) int {
	f := toFloat(v)
	if math.IsNaN(f) || f > math.MaxInt64/2 || f < math.MinInt64/2 {
		return 0
	}
	return int(f)
}

func toBool(v any) bool { b, _ := v.(bool); return b }

// toText is a scalar as text; "" for nil.
func toText(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	if isNumber(v) && toFloat(v) == float64(toInt(v)) {
		return fmt.Sprint(toInt(v))
	}
	return fmt.Sprint(v)
}

// each calls f with the elements of any slice.
func each(v any, f func(any)) {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice {
		return
	}
	for i := 0; i < r.Len(); i++ {
		f(r.Index(i).Interface())
	}
}

func toList(v any) []string {
	list := []string{}
	each(v, func(x any) { list = append(list, toText(x)) })
	return list
}

// toTexts is a map of scalars, or of lists of them, as text.
func toTexts(v any) map[string]string {
	m := map[string]string{}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.Type().Key().Kind() != reflect.String {
		return m
	}
	for _, k := range r.MapKeys() {
		value := r.MapIndex(k).Interface()
		if list := toList(value); len(list) > 0 {
			m[k.String()] = strings.Join(list, ", ")
			continue
		}
		m[k.String()] = toText(value)
	}
	return m
}
